"""The unified social credit code (统一社会信用代码, GB 32100-2015) and the numbers it took the place of.

Position 1 registry, 2 kind of body, 3-8 division of the registering authority, 9-17 organisation code
(组织机构代码, GB 11714: eight characters and their check), 18 check character (MOD 31 with weights 3^(i-1)).
"""

from __future__ import annotations

from collections.abc import Iterator
from operator import mul

from xinqiao.enterprise.identifier import Checked, Fault, division_faults, fault, plain, rules, suggest

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
USCC_LENGTH = 18
ORGANISATION_LENGTH = 9
OLD_LENGTH = 15

_VALUES = {char: value for value, char in enumerate(ALPHABET)}
_WEIGHTS = tuple(pow(3, place, 31) for place in range(17))
_ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_ORGANISATION_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def check_character(first17: str) -> str:
    """Position 18 of a code from the 17 before it."""
    values = [_VALUES[char] for char in first17]
    return ALPHABET[-sum(map(mul, values, _WEIGHTS)) % 31]


def organisation_check(first8: str) -> str:
    """The ninth character of an organisation code (GB 11714) from the eight before it: 0-9 or X."""
    values = [int(char, 36) for char in first8]
    return "0123456789X"[-sum(map(mul, values, _ORGANISATION_WEIGHTS)) % 11]


def make_uscc(registry: str, division: str, body: str) -> str:
    """The code of ``registry`` (its two characters, 91), division (6 digits) and body (8 characters)."""
    first17 = registry + division + body + organisation_check(body)
    return first17 + check_character(first17)


def check_uscc(text: str, *, suggestions: bool = True) -> Checked:
    """Every fault of a unified social credit code, each told apart; nothing is mended silently.

    Case, width, blanks and hyphens don't count. ``suggestions=False`` saves the search for what was meant.
    """
    code = plain(text)
    faults = tuple(_uscc_faults(code))
    if not suggestions or all(each.level != "error" for each in faults):
        return Checked(text, code, faults)
    near = suggest(code, USCC_LENGTH, lambda other: _sure(_uscc_faults(other)))
    return Checked(text, code, faults, near)


def _sure(faults: Iterator[Fault]) -> bool:
    return next(faults, None) is None


def _uscc_faults(code: str) -> Iterator[Fault]:
    if len(code) != USCC_LENGTH:
        yield fault("length", wanted=USCC_LENGTH, found=len(code))
    if wrong := [place for place, char in enumerate(code, 1) if char not in _VALUES]:
        found = " ".join(code[place - 1] for place in wrong)
        yield fault("alphabet", places=", ".join(map(str, wrong)), found=found)
    yield from _head_faults(code)
    if len(code) == USCC_LENGTH and not wrong:
        yield from _organisation_faults(code[8:17])
        if code[17] != (wanted := check_character(code[:17])):
            yield fault("check", wanted=wanted, found=code[17])


def _head_faults(code: str) -> Iterator[Fault]:
    """Registry, kind and division, as far as the code goes."""
    registry = rules().registries.get(code[:1])
    if registry is None:
        yield fault("registry", found=code[:1])
    elif code[1:2] not in registry.types:
        yield fault("type", registry_zh=registry.name.zh, registry_en=registry.name.en, found=code[1:2])
    yield from division_faults(code[2:8])


def _organisation_faults(code: str) -> Iterator[Fault]:
    if code[8] != (wanted := organisation_check(code[:8])):
        yield fault("organisation_check", wanted=wanted, found=code[8])


def check_organisation_code(text: str) -> Checked:
    """Every fault of an organisation code by itself: D2143569-X."""
    code = plain(text)
    return Checked(text, code, tuple(_whole_organisation_faults(code)))


def _whole_organisation_faults(code: str) -> Iterator[Fault]:
    wrong = [place for place, char in enumerate(code, 1) if char not in _ORGANISATION_ALPHABET]
    if len(code) != ORGANISATION_LENGTH:
        yield fault("length", wanted=ORGANISATION_LENGTH, found=len(code))
    if wrong:
        found = " ".join(code[place - 1] for place in wrong)
        yield fault("alphabet", places=", ".join(map(str, wrong)), found=found)
    elif len(code) == ORGANISATION_LENGTH:
        yield from _organisation_faults(code)


def check_registration_number(text: str) -> Checked:
    """Every fault of an old 15-digit business registration number (工商注册号).

    Six digits of the authority, eight of sequence, and a check digit by ISO 7064 MOD 11,10.
    """
    code = plain(text)
    return Checked(text, code, tuple(_registration_faults(code)))


def _registration_faults(code: str) -> Iterator[Fault]:
    wrong = [place for place, char in enumerate(code, 1) if char not in "0123456789"]
    if len(code) != OLD_LENGTH:
        yield fault("length", wanted=OLD_LENGTH, found=len(code))
    if wrong:
        found = " ".join(code[place - 1] for place in wrong)
        yield fault("alphabet", places=", ".join(map(str, wrong)), found=found)
    elif len(code) == OLD_LENGTH:
        yield from division_faults(code[:6])
        if code[14] != (wanted := _mod_11_10(code[:14])):
            yield fault("check", wanted=wanted, found=code[14])


def _mod_11_10(digits: str) -> str:
    product = 10
    for digit in digits:
        product = (((product + int(digit)) % 10) or 10) * 2 % 11
    return str((11 - product) % 10)


def check_taxpayer_id(text: str) -> Checked:
    """Every fault of a taxpayer's id: a unified code, or the old 15 (division and organisation code).

    The old 17 and 20 characters of the self-employed are not accepted: no source states their rule.
    """
    code = plain(text)
    if len(code) != OLD_LENGTH:
        return check_uscc(text)
    faults = (*division_faults(code[:6]), *_whole_organisation_faults(code[6:]))
    return Checked(text, code, faults)


def organisation_code(text: str) -> str | None:
    """The organisation code inside a valid unified code, old taxpayer's id or organisation code, else None.

    It is what a firm's old and new numbers have in common.
    """
    code = plain(text)
    checks = {
        USCC_LENGTH: check_uscc,
        OLD_LENGTH: check_taxpayer_id,
        ORGANISATION_LENGTH: check_organisation_code,
    }
    check = checks.get(len(code))
    if check is None or not check(code).valid:
        return None
    return code[8:17] if len(code) == USCC_LENGTH else code[-ORGANISATION_LENGTH:]
