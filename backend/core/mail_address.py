"""Reading an e-mail address as it will stand in a letter.

Owns what the standard library makes of one that can't be written. Owns no rule of which addresses a person may have
(`users/service.py`).
"""

from email.errors import MessageError
from email.headerregistry import Address


def parse_address(text: str) -> Address:
    """Raises ValueError, and nothing else, for what is no single address."""
    try:
        return Address(addr_spec=text)
    except (MessageError, AttributeError, IndexError) as error:  # the library's parser trips over some, such as "a@[."
        raise ValueError("This is no e-mail address.") from error
