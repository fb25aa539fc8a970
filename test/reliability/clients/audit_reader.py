"""librdkafka's consumer: `servers topic isolation log`. Reads a topic from its start to its end and writes a line a record,
`partition offset id sound origin headers`, as AuditReader.java does."""

import struct
import sys
import zlib

from confluent_kafka import Consumer, KafkaError, TopicPartition

ERRORS = "__connect.errors."


def zigzag(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return (value >> 1) ^ -(value & 1), at


def read(value):
    """The id, and 1 where the CRC fits, or of a text in digits; -1 and 0 where it is neither."""
    if value is not None and value.isdigit():
        return int(value), 1
    if value is None or len(value) < 39 or value[0] != 0:
        return -1, 0
    try:
        number, at = zigzag(value, 5)
        crc, at = zigzag(value, at)
        checked = struct.pack(">q4d", number, *struct.unpack_from("<4d", value, at))
    except (IndexError, struct.error):
        return -1, 0
    return number, int(zlib.crc32(checked) == crc)


def line(message):
    headers = dict(message.headers() or [])
    errors = {name: value for name, value in headers.items() if name.startswith(ERRORS)}
    origin = "-"
    if errors:
        origin = ":".join(errors.get(ERRORS + key, b"").decode() for key in ("partition", "offset"))
    number, sound = read(message.value())
    return f"{message.partition()} {message.offset()} {number} {sound} {origin} {len(errors)}\n"


def main():
    servers, topic, isolation, file = sys.argv[1:5]
    consumer = Consumer({
        "bootstrap.servers": servers,
        "group.id": "audit",
        "isolation.level": isolation,
        "enable.auto.commit": False,
        "enable.partition.eof": True,
        "auto.offset.reset": "earliest",
        "fetch.wait.max.ms": 100,
    })
    partitions = consumer.list_topics(topic, timeout=60).topics[topic].partitions
    consumer.assign([TopicPartition(topic, partition, 0) for partition in partitions])
    ended, count = set(), 0
    with open(file, "w") as log:
        while len(ended) < len(partitions):
            for message in consumer.consume(10000, timeout=0.5):
                error = message.error()
                if error is not None:
                    if error.code() == KafkaError._PARTITION_EOF:
                        ended.add(message.partition())
                        continue
                    raise SystemExit(str(error))
                log.write(line(message))
                count += 1
    consumer.close()
    print(f"done {count}")


main()
