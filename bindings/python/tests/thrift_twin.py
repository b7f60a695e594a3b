"""A small reader of Thrift's compact protocol: structs as dictionaries of field numbers, for looking into files with other
eyes than the engine's."""


class Compact:
    def __init__(self, data, start=0):
        self.data = data
        self.place = start

    def varint(self):
        shift = value = 0
        while True:
            byte = self.data[self.place]
            self.place += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7

    def zigzag(self):
        value = self.varint()
        return value >> 1 ^ -(value & 1)

    def value(self, kind):
        if kind in (1, 2):
            return kind == 1
        if kind == 3:
            self.place += 1
            return self.data[self.place - 1]
        if kind in (4, 5, 6):
            return self.zigzag()
        if kind == 7:
            self.place += 8
            return bytes(self.data[self.place - 8 : self.place])
        if kind == 8:
            length = self.varint()
            self.place += length
            return bytes(self.data[self.place - length : self.place])
        if kind in (9, 10):
            head = self.data[self.place]
            self.place += 1
            count = head >> 4 if head >> 4 < 15 else self.varint()
            if head & 15 in (1, 2):
                self.place += count
                return [byte == 1 for byte in self.data[self.place - count : self.place]]
            return [self.value(head & 15) for _ in range(count)]
        assert kind == 12, f"type {kind}"
        return self.struct()

    def struct(self):
        fields = {}
        last = 0
        while True:
            head = self.data[self.place]
            self.place += 1
            if head == 0:
                return fields
            last = last + (head >> 4) if head >> 4 else self.zigzag()
            fields[last] = self.value(head & 15)


def footer(path):
    """FileMetaData of the file at `path`."""
    data = open(path, "rb").read()
    assert data[:4] == data[-4:] == b"PAR1"
    length = int.from_bytes(data[-8:-4], "little")
    return Compact(data, len(data) - 8 - length).struct()


def struct_at(path, offset):
    return Compact(open(path, "rb").read(), offset).struct()


def pages(path, chunk):
    """(header, start of the body) of each page of a ColumnMetaData."""
    data = open(path, "rb").read()
    start = chunk.get(11, chunk[9])
    end = start + chunk[7]
    found = []
    while start < end:
        reader = Compact(data, start)
        header = reader.struct()
        found.append((header, reader.place))
        start = reader.place + header[3]
    assert start == end
    return found
