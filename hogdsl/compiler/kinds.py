"""What kind of thing a setting is: programs are not always type-checked before they run."""

from typing import TypeGuard


def is_text(value: object) -> TypeGuard[str]:
    """Text that is not empty."""
    return isinstance(value, str) and bool(value)


def is_token(value: object) -> TypeGuard[str | int]:
    """Names a token: by its text, or by its number."""
    return is_text(value) or (type(value) is int and value >= 0)


def is_number(value: object) -> TypeGuard[int | float]:
    """A number; True is none."""
    return isinstance(value, int | float) and not isinstance(value, bool)
