"""The status page's style sheet. It is part of the page, which loads nothing from anywhere."""

from __future__ import annotations

import base64
import hashlib

LIGHT = {
    "page": "#f4f6f8",
    "card": "#ffffff",
    "line": "#d5dbe1",
    "text": "#1b2129",
    "dim": "#59636e",
    "link": "#0a58ca",
    "ok": "#0f6b2f",
    "ok-card": "#def5e5",
    "warn": "#7a4a00",
    "warn-card": "#fff0cc",
    "bad": "#a5122a",
    "bad-card": "#fde7e9",
}
DARK = {
    "page": "#0e1319",
    "card": "#171e26",
    "line": "#323c47",
    "text": "#e7edf3",
    "dim": "#9daab7",
    "link": "#79b8ff",
    "ok": "#7fe0a1",
    "ok-card": "#12301e",
    "warn": "#f2cb62",
    "warn-card": "#33290c",
    "bad": "#ff9d94",
    "bad-card": "#3f171b",
}


def _colours(palette: dict[str, str]) -> str:
    return "".join(f"--{name}:{value};" for name, value in palette.items())


STYLE = (
    f":root{{color-scheme:light dark;{_colours(LIGHT)}}}"
    f"@media (prefers-color-scheme:dark){{:root{{{_colours(DARK)}}}}}"
    """
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--text);
  font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif}
header,main,footer{max-width:1240px;margin:0 auto;padding:0 20px}
header{display:flex;flex-wrap:wrap;align-items:baseline;gap:4px 20px;padding-top:18px}
h1{font-size:20px;margin:0}
h1 span{font-weight:400;font-size:15px;color:var(--dim)}
h2{font-size:17px;margin:32px 0 10px}
h3{font-size:15px;margin:0}
a{color:var(--link)}
header nav{display:flex;flex-wrap:wrap;gap:4px 16px;margin-left:auto}
p{margin:0}
.dim{color:var(--dim)}
.ok,.warn,.bad{border-radius:8px;padding:12px 16px;margin:14px 0 0}
.ok{background:var(--ok-card)}
.warn{background:var(--warn-card)}
.bad{background:var(--bad-card)}
.ok strong,.ok h2{color:var(--ok)}
.warn strong,.warn h2{color:var(--warn)}
.bad strong,.bad h2{color:var(--bad)}
.verdict strong{font-size:17px}
section.ok h2,section.warn h2,section.bad h2{margin:0 0 4px}
section ul,footer ul{margin:0;padding-left:20px}
section li{overflow-wrap:anywhere}
.said{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;font-size:13px;
  overflow-wrap:anywhere;white-space:pre-wrap}
.cards{display:grid;gap:12px;grid-template-columns:repeat(auto-fit,minmax(230px,1fr));
  margin:14px 0 0;padding:0;list-style:none}
.card{background:var(--card);border:1px solid var(--line);border-radius:8px;padding:12px 16px;
  min-width:0;overflow-wrap:anywhere}
.card .label{color:var(--dim);font-size:13px}
.card .big{font-size:19px;font-weight:600}
.card meter{width:100%;height:12px;display:block;margin:4px 0}
.card h3{display:flex;align-items:center;justify-content:space-between;gap:8px;font-size:17px}
.badge{font-size:12px;font-weight:600;border-radius:99px;padding:1px 10px;margin:0}
.badge.ok{color:var(--ok)}
.badge.warn{color:var(--warn)}
.badge.bad{color:var(--bad)}
dl{display:grid;grid-template-columns:max-content 1fr;gap:2px 14px;margin:8px 0 0}
dt{color:var(--dim)}
dd{margin:0;overflow-wrap:anywhere}
.tabs{display:flex;flex-wrap:wrap;gap:6px;margin:0 0 12px;padding:0;list-style:none}
.tabs a{display:block;padding:4px 14px;border:1px solid var(--line);border-radius:99px;
  background:var(--card);text-decoration:none}
.tabs a[aria-current]{background:var(--link);border-color:var(--link);color:var(--card);
  font-weight:600}
form{display:flex;flex-wrap:wrap;align-items:center;gap:8px 12px;margin:0 0 12px}
input[type=search]{flex:0 1 300px;min-width:0;font:inherit;padding:5px 10px;color:var(--text);
  background:var(--card);border:1px solid var(--dim);border-radius:6px}
button{font:inherit;padding:5px 14px;color:var(--text);background:var(--card);
  border:1px solid var(--dim);border-radius:6px;cursor:pointer}
.scroll{position:relative;overflow-x:auto;
  background:var(--card);border:1px solid var(--line);border-radius:8px}
table{border-collapse:separate;border-spacing:0;width:100%;font-variant-numeric:tabular-nums}
td{max-width:300px;overflow:hidden;text-overflow:ellipsis}
th,td{padding:5px 10px;text-align:right;border-bottom:1px solid var(--line);white-space:nowrap}
.text,tbody th,tfoot th,thead th:first-child{text-align:left}
tbody th,tfoot th{font-weight:400}
wbr{display:none}
thead th{font-size:13px;font-weight:600;white-space:normal;vertical-align:bottom;
  line-height:1.25;min-width:76px}
thead a{text-decoration:none;color:var(--text)}
thead a:hover,thead [aria-sort] a{text-decoration:underline}
thead span{margin-left:3px;font-size:10px}
tfoot th,tfoot td{font-weight:600;border-bottom:0;border-top:1px solid var(--line)}
th:first-child{position:sticky;left:0;background:var(--card);border-right:1px solid var(--line);
  max-width:300px;overflow:hidden;text-overflow:ellipsis}
tbody tr:last-child>*{border-bottom:0}
tbody tr:hover>*{background:var(--page)}
.pages{display:flex;flex-wrap:wrap;justify-content:center;gap:6px 18px;margin:14px 0 0}
.empty{padding:20px 0;color:var(--dim)}
details{margin:14px 0 0}
summary{cursor:pointer}
footer{color:var(--dim);font-size:13px;padding-top:28px;padding-bottom:28px}
:focus-visible{outline:2px solid var(--link);outline-offset:2px}
.unseen{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%);
  white-space:nowrap}
@media (max-width:640px){
body{font-size:16px}
header,main,footer{padding-left:14px;padding-right:14px}
header nav{margin-left:0;width:100%}
.cards{grid-template-columns:1fr}
.tiles{grid-template-columns:1fr 1fr}
input[type=search]{flex:1 1 160px}
th:first-child{min-width:44vw;max-width:44vw}
tbody th{white-space:normal;overflow-wrap:anywhere}
wbr{display:inline}
thead th{min-width:70px}
}
@media (max-width:400px){.tiles{grid-template-columns:1fr}}
"""
)

STYLE_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
"""For ``Content-Security-Policy``: this sheet, and no other, may apply."""
