"""``activity.users`` and ``exclude_users``: ids, addresses and mappings, each as written."""

from __future__ import annotations

from collections.abc import Callable

from gong_exporter.activity.users import ListedUser
from gong_exporter.common.problems import quoted
from gong_exporter.common.sections import Rejected
from gong_exporter.common.user_names import (
    column,
    column_problem,
    email_problem,
    id_problem,
    is_id,
    rounded_ids,
    rounded_problem,
    user_problem,
)
from gong_exporter.common.yaml import Items, Keys, Node, Scalar

_FORM = "an id (1 to 20 digits), an address, or a mapping with id or email"
_EXCLUDED_FORM = "an id (1 to 20 digits) or an address"
_PROBLEMS = {"id": id_problem, "email": email_problem}


def parse_users(node: object) -> tuple[ListedUser, ...] | None:
    """Read the value of ``users``; None for everybody.

    Raises: Rejected, with every line that is wrong.
    """
    if node == "all":
        return None
    if not isinstance(node, Items):
        raise Rejected.whole("must be 'all' or a list of ids and addresses")
    if not node:
        raise Rejected.whole("is an empty list; write 'all' for everybody")
    return _users(node, _user)


def parse_excluded(node: object) -> tuple[ListedUser, ...]:
    """Read the value of ``exclude_users``: ids and addresses, perhaps none.

    Raises: Rejected, with every line that is wrong.
    """
    if node == ():
        return ()  # the default
    if not isinstance(node, Items):
        raise Rejected.whole("must be a list of ids and addresses")
    return _users(node, _excluded)


def _users(items: Items, parse: Callable[[Node], ListedUser]) -> tuple[ListedUser, ...]:
    users: list[tuple[int, ListedUser]] = []
    wrong: list[tuple[int, str]] = []
    seen: dict[str, int] = {}
    for item in items:
        try:
            user = parse(item)
        except Rejected as error:
            wrong.extend(error.parts)
            continue
        users.append((item.line, user))
        # Addresses differ in case from one system to the next, people do not.
        for name in filter(None, (user.user_id, user.email and user.email.lower())):
            if name in seen:
                wrong.append((item.line, f"{quoted(name)} is already on line {seen[name]}"))
            seen.setdefault(name, item.line)
    # An id that only looks rounded is accepted beside an address.
    ids = {user.user_id: line for line, user in users if user.user_id and not user.email}
    wrong += [(ids[each], rounded_problem(each)) for each in rounded_ids(ids)]
    if wrong:
        raise Rejected(sorted(wrong))
    return tuple(user for _, user in users)


def _user(item: Node) -> ListedUser:
    if isinstance(item, Scalar):
        return _from_text(item)
    if isinstance(item, Keys):
        return _from_mapping(item)
    raise Rejected([(item.line, f"a list is not a user; write {_FORM}")])


def _excluded(item: Node) -> ListedUser:
    if isinstance(item, Scalar):
        return _from_text(item, _EXCLUDED_FORM)
    kind = "mapping" if isinstance(item, Keys) else "list"
    raise Rejected([(item.line, f"a {kind} is not a user here; write {_EXCLUDED_FORM}")])


def _from_text(item: Scalar, form: str = _FORM) -> ListedUser:
    text = str(item)
    if problem := user_problem(text):
        raise Rejected([(item.line, f"{problem}; write {form}")])
    return ListedUser(user_id=text) if is_id(text) else ListedUser(email=text)


def _from_mapping(item: Keys) -> ListedUser:
    wrong: list[tuple[int, str]] = []
    texts: dict[str, str] = {}
    for name, value in item.items():
        if not isinstance(value, Scalar):
            wrong.append((item.lines[name], f"{column(name)} of a user must be text"))
            continue
        texts[name] = str(value)
        problem = _PROBLEMS[name](texts[name]) if name in _PROBLEMS else column_problem(name)
        if problem:
            wrong.append((item.lines[name], problem))
    user_id, email = texts.pop("id", None) or None, texts.pop("email", None) or None
    if user_id is None and email is None and not {"id", "email"} & item.lines.keys():
        wrong.append((item.line, "a user needs an id or an email"))
    elif user_id is None and email is None and not wrong:
        wrong.append((item.line, "a user needs an id or an email; here they are empty"))
    if wrong:
        raise Rejected(wrong)
    return ListedUser(user_id=user_id, email=email, labels=tuple(texts.items()))
