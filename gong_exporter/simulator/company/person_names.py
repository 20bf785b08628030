"""Invented names and addresses: every surname is made of two parts."""

from __future__ import annotations

import unicodedata
from collections.abc import MutableSet
from functools import cache

DOMAIN = "example.com"
"""Reserved for documentation: mail to it reaches no person."""

_GIVEN = (
    "Ada Aiko Alba Alma Amir Anna Anton Aria Arlo Astrid Ben Bela Bruno Carla Cem Chloé Clara Dana "
    "Daria Dev Diego Edda Elif Elio Emil Enzo Erik Esme Eva Farah Felix Finn Flora Gia Greta Hana "
    "Hugo Ida Ines Iris Ivan Ivo Jade Jana Jonas Joy Juno Kai Karim Kira Lara Lea Leila Leo Lina "
    "Luca Lucía Mabel Maja Malik Mara Marco Mei Mia Milo Mina Nadia Nele Nico Nina Noor Nora Olga "
    "Omar Orla Oskar Pablo Paula Petra Pia Quinn Rafael Remy Rhea Rosa Ruth Sami Sara Selma Simon "
    "Sofia Tara Theo Tilda Timo Uma Vera Viktor Wanda Yara Yusuf Zoë"
)
_FIRST_HALVES = (
    "Alder Bark Bram Cald Cope Dun Eller Fal Fen Gar Hal Harth Ingel Jar Kest Lang Lin Mar Mell "
    "Nord Oaken Pell Quar Raven Ros Sel Stav Tam Thorn Ulver Vas Vel Wex Win Yar Zell"
)
_SECOND_HALVES = (
    "beck berg brook by croft dale den feld ford gate ham holm hurst lund mark mere mont nau ness "
    "quist ridge stad stone ton vale vik wald well wick worth"
)


def invent_name(given: int, first: int, second: int) -> str:
    """A name for three numbers from 0 to 65,535; one in 108,000 is the same."""
    surname = _part(_FIRST_HALVES, first) + _part(_SECOND_HALVES, second)
    return f"{_part(_GIVEN, given)} {surname}"


def address_of(name: str, taken: MutableSet[str]) -> str:
    """A work address for a name, unlike any in ``taken``, to which it is added."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    mailbox = ".".join(plain.lower().split())
    number = 1
    address = f"{mailbox}@{DOMAIN}"
    while address in taken:
        number += 1
        address = f"{mailbox}{number}@{DOMAIN}"
    taken.add(address)
    return address


def _part(words: str, draw: int) -> str:
    parts = _parts(words)
    return parts[draw * len(parts) >> 16]


@cache
def _parts(words: str) -> tuple[str, ...]:
    return tuple(words.split())
