"""Thrift's compact protocol, as far as the footer and page headers of Parquet use it."""

from collections.abc import Iterator

TRUE, FALSE, BYTE, I32, I64, DOUBLE, BINARY, LIST, SET, STRUCT = 1, 2, 3, 5, 6, 7, 8, 9, 10, 12
_MAX_DEPTH = 16
#: The type number of 16-bit integers; 4 to 6 are the integers.
_I16 = 4
_MAX_VARINT_BITS = 70


class ThriftError(ValueError):
    """The data is not a struct in this protocol, or not one that a Parquet writer makes."""


class ThriftReader:
    """Reads values one after another; raises IndexError if the data ends within one.

    Attributes:
        position: of the next byte.
    """

    def __init__(self, data: bytes) -> None:
        self.position = 0
        self._data = data

    def fields(self) -> Iterator[tuple[int, int]]:
        """Yield number and type of each field of a struct; read its value before the next one.

        Raises:
            ThriftError: the fields are not in ascending order, so one could occur twice.
        """
        field = 0
        while head := self._byte():
            previous, kind = field, head & 15
            field = field + (head >> 4) if head >> 4 else self.integer()
            if field <= previous:
                raise ThriftError
            yield field, kind

    def integer(self, kind: int = I64) -> int:
        """Return an integer.

        Raises:
            ThriftError: *kind* is not an integer type, or the value is too large for it.
        """
        if not _I16 <= kind <= I64:
            raise ThriftError
        raw = self._varint()
        number = (raw >> 1) ^ -(raw & 1)
        bits = 63 if kind == I64 else 31
        if not -(1 << bits) <= number < 1 << bits:
            raise ThriftError
        return number

    def items(self, kind: int, item_kind: int) -> range:
        """Return the indices of a list whose items come next.

        Raises:
            ThriftError: the value is not a list of *item_kind*.
        """
        size, found = self._list_head()
        if kind != LIST or (size and found != item_kind):
            raise ThriftError
        return range(size)

    def skip(self, kind: int, depth: int = 0) -> None:
        """Skip a value.

        Raises:
            ThriftError: its type is unknown, or it is nested too deeply.
        """
        if depth > _MAX_DEPTH:
            raise ThriftError
        if kind in (TRUE, FALSE):
            return
        if kind in (BYTE, DOUBLE, BINARY):
            self._advance({BYTE: 1, DOUBLE: 8}.get(kind) or self._varint())
        elif kind in (LIST, SET):
            size, items = self._list_head()
            for _ in range(size):
                # A boolean is a byte in a list; in a struct, the field's type is its value.
                self.skip(BYTE if items in (TRUE, FALSE) else items, depth + 1)
        elif kind == STRUCT:
            for _, inner in self.fields():
                self.skip(inner, depth + 1)
        else:
            self.integer(kind)

    def _list_head(self) -> tuple[int, int]:
        head = self._byte()
        return (self._varint() if head >> 4 == 15 else head >> 4), head & 15

    def _byte(self) -> int:
        byte = self._data[self.position]
        self.position += 1
        return byte

    def _advance(self, size: int) -> None:
        self.position += size
        if self.position > len(self._data):
            raise IndexError

    def _varint(self) -> int:
        number = shift = 0
        while shift < _MAX_VARINT_BITS:
            byte = self._byte()
            number |= (byte & 127) << shift
            if byte < 128:
                return number
            shift += 7
        raise ThriftError
