"""``activity.users``: ``all``, or ids, addresses and mappings, each as written."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from gong_exporter.common.nearest import quoted
from gong_exporter.common.sections import Rejected
from gong_exporter.common.yaml import Items, Keys, Node, Scalar
from gong_exporter.config.columns import (
    column,
    column_fault,
    email_fault,
    id_fault,
    is_email,
    is_id,
)
from gong_exporter.config.model import ListedUser, UsersAll

_FORM = "an id (1 to 20 digits), an address, or a mapping with id or email"


def parse_users(node: object) -> UsersAll | tuple[ListedUser, ...]:
    """Read the value of ``users``. Raises: Rejected, with every line that is wrong."""
    if isinstance(node, Scalar) and node == "all":
        return UsersAll()
    if not isinstance(node, Items):
        raise Rejected.whole("must be 'all' or a list of ids and addresses")
    if not node:
        raise Rejected.whole("is an empty list; write 'all' for everybody")
    users: list[ListedUser] = []
    wrong: list[tuple[int, str]] = []
    for item in node:
        try:
            users.append(_user(item))
        except Rejected as error:
            wrong.extend(error.parts)
    wrong.extend(_repeats(users))
    if wrong:
        raise Rejected(wrong)
    return tuple(users)


def _user(item: Node) -> ListedUser:
    if isinstance(item, Scalar):
        return _from_text(item)
    if isinstance(item, Keys):
        return _from_mapping(item)
    raise Rejected([(item.line, f"a list is not a user; write {_FORM}")])


def _from_text(item: Scalar) -> ListedUser:
    nothing: Mapping[str, str] = MappingProxyType({})
    if is_id(str(item)):
        return ListedUser(str(item), None, nothing, item.line)
    if is_email(str(item)):
        return ListedUser(None, str(item), nothing, item.line)
    raise Rejected([(item.line, f"{quoted(str(item))} is not a user; write {_FORM}")])


def _from_mapping(item: Keys) -> ListedUser:
    wrong: list[tuple[int, str]] = []
    texts: dict[str, str] = {}
    for name, value in item.items():
        line = item.lines[name]
        if not isinstance(value, Scalar):
            wrong.append((line, f"{column(name)} of a user must be text"))
            continue
        texts[name] = str(value)
        fault = _column_fault(name, str(value))
        if fault:
            wrong.append((line, fault))
    user_id, email = texts.pop("id", None) or None, texts.pop("email", None) or None
    if user_id is None and email is None and not {"id", "email"} & item.lines.keys():
        wrong.append((item.line, "a user needs an id or an email"))
    elif user_id is None and email is None and not wrong:
        wrong.append((item.line, "a user needs an id or an email; here they are empty"))
    if wrong:
        raise Rejected(wrong)
    return ListedUser(user_id, email, MappingProxyType(texts), item.line)


def _column_fault(name: str, text: str) -> str:
    if name == "id":
        return id_fault(text) if text else ""
    if name == "email":
        return email_fault(text) if text else ""
    return column_fault(name)


def _repeats(users: list[ListedUser]) -> list[tuple[int, str]]:
    seen: dict[str, int] = {}
    wrong = []
    for user in users:
        # Addresses differ in case from one system to the next, people do not.
        for name in filter(None, (user.id, user.email and user.email.lower())):
            if name in seen:
                wrong.append((user.line, f"{quoted(name)} is already on line {seen[name]}"))
            seen.setdefault(name, user.line)
    return wrong
