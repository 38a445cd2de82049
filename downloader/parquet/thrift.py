"""The compact protocol of Thrift, as far as Parquet uses it for headers and the end of a file."""

from collections.abc import Iterator

TRUE, FALSE, BYTE, I32, I64, DOUBLE, BINARY, LIST, SET, STRUCT = 1, 2, 3, 5, 6, 7, 8, 9, 10, 12
_DEEPEST = 16
_SMALLEST_INTEGER = 4
_LONGEST_VARINT = 70


class ThriftError(ValueError):
    """The data are no struct in this protocol, or not as Parquet's writers make them."""


class ThriftReader:
    """Reads values one after the other; IndexError where the data end within one.

    Attributes:
        place: of the next byte.
    """

    def __init__(self, data: bytes) -> None:
        self.place = 0
        self._data = data

    def fields(self) -> Iterator[tuple[int, int]]:
        """Yield number and type of each field of a struct; its value has to be read in between.

        Raises:
            ThriftError: they are not in order, so that one could come twice.
        """
        field = 0
        while head := self._byte():
            before, kind = field, head & 15
            field = field + (head >> 4) if head >> 4 else self.integer()
            if field <= before:
                raise ThriftError
            yield field, kind

    def integer(self, kind: int = I64) -> int:
        """Return a whole number.

        Raises:
            ThriftError: it is of another type, or too large for its own.
        """
        if not _SMALLEST_INTEGER <= kind <= I64:
            raise ThriftError
        raw = self._varint()
        number = (raw >> 1) ^ -(raw & 1)
        bits = 63 if kind == I64 else 31
        if not -(1 << bits) <= number < 1 << bits:
            raise ThriftError
        return number

    def items(self, kind: int, of: int) -> range:
        """Return a range as long as a list is whose items, of that type, come next.

        Raises:
            ThriftError: it is no list, or of other items.
        """
        size, items = self._list_head()
        if kind != LIST or (size and items != of):
            raise ThriftError
        return range(size)

    def skip(self, kind: int, depth: int = 0) -> None:
        """Read past a value.

        Raises:
            ThriftError: its type is unknown, or it is nested too deeply.
        """
        if depth > _DEEPEST:
            raise ThriftError
        if kind in (TRUE, FALSE):
            return
        if kind in (BYTE, DOUBLE, BINARY):
            self._advance({BYTE: 1, DOUBLE: 8}.get(kind) or self._varint())
        elif kind in (LIST, SET):
            size, items = self._list_head()
            for _ in range(size):
                # Truth is a byte in a list, and in a struct a type.
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
        byte = self._data[self.place]
        self.place += 1
        return byte

    def _advance(self, size: int) -> None:
        self.place += size
        if self.place > len(self._data):
            raise IndexError

    def _varint(self) -> int:
        number = shift = 0
        while shift < _LONGEST_VARINT:
            byte = self._byte()
            number |= (byte & 127) << shift
            if byte < 128:
                return number
            shift += 7
        raise ThriftError
