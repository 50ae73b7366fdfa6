import java.nio.ByteBuffer;
import java.util.*;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.protocol.*;
import org.apache.kafka.common.protocol.types.*;
import org.apache.kafka.common.protocol.Readable;
import org.apache.kafka.common.record.internal.MemoryRecords;

/** Prints messages in the layouts of Kafka's own schemas, one a line: API, version, direction, sample, bytes in hex. */
public class Golden {
    static final List<String> APIS = List.of("Produce", "Fetch", "ListOffsets", "Metadata", "ApiVersions", "CreateTopics",
        "DeleteTopics", "InitProducerId", "FindCoordinator", "OffsetForLeaderEpoch", "DescribeConfigs", "DescribeCluster",
        "OffsetCommit", "OffsetFetch", "JoinGroup", "Heartbeat", "LeaveGroup", "SyncGroup", "DescribeGroups", "ListGroups",
        "DeleteGroups", "OffsetDelete", "CreatePartitions", "DeleteRecords", "DescribeTopicPartitions", "DescribeProducers",
        "DescribeLogDirs", "UpdateFeatures", "DescribeQuorum", "ElectLeaders", "ListPartitionReassignments", "AlterConfigs",
        "IncrementalAlterConfigs", "ListConfigResources");

    /** Rises with every number that is written, so that no two fields of a message hold the same. */
    static int next;

    public static void main(String[] arguments) throws Exception {
        for (String api : APIS)
            for (String direction : List.of("Request", "Response"))
                for (boolean filled : List.of(true, false))
                    print(api, direction, filled);
    }

    static void print(String api, String direction, boolean filled) throws Exception {
        Class<?> data = Class.forName("org.apache.kafka.common.message." + api + direction + "Data");
        Schema[] schemas = (Schema[]) data.getField("SCHEMAS").get(null);
        ApiKeys key = Arrays.stream(ApiKeys.values()).filter(k -> k.name.equals(api)).findFirst().orElseThrow();
        for (short version = key.oldestVersion(); version <= key.latestVersion(false); version++) {
            next = 1;
            Schema schema = schemas[version];
            Object value = sample(schema, filled);
            ByteBuffer bytes = ByteBuffer.allocate(schema.sizeOf(value));
            schema.write(bytes, value);
            bytes.flip();
            check(data, bytes, version);
            System.out.println(api + " " + version + " " + direction.toLowerCase() + (filled ? " filled " : " empty ")
                + HexFormat.of().formatHex(bytes.array()));
        }
    }

    /** The generated class must read these bytes and write the same. */
    static void check(Class<?> data, ByteBuffer bytes, short version) throws Exception {
        Readable readable = new ByteBufferAccessor(bytes.duplicate());
        Message message = (Message) data.getConstructor(Readable.class, short.class).newInstance(readable, version);
        ByteBuffer again = MessageUtil.toByteBufferAccessor(message, version).buffer();
        if (!again.equals(bytes))
            throw new AssertionError(data + " " + version + ": " + HexFormat.of().formatHex(bytes.array()));
    }

    static Object sample(Type type, boolean filled) {
        if (type instanceof Schema schema) {
            Struct struct = new Struct(schema);
            for (BoundField field : schema.fields())
                struct.set(field, sample(field.def.type, filled));
            return struct;
        }
        if (type instanceof TaggedFields tagged) {
            NavigableMap<Integer, Object> fields = new TreeMap<>();
            if (filled)
                tagged.fields().forEach((tag, field) -> fields.put(tag, sample(field.type, true)));
            return fields;
        }
        if (type.isArray()) {
            if (!filled)
                return type.isNullable() ? null : new Object[0];
            Type element = type.arrayElementType().orElseThrow();
            return new Object[] {sample(element, true), sample(element, true)};
        }
        return scalar(type, filled);
    }

    static Object scalar(Type type, boolean filled) {
        if (!filled && type.isNullable())
            return null;
        int number = next++;
        return switch (((Type.DocumentedType) type).typeName()) {
            case "BOOLEAN" -> filled;
            case "INT8" -> (byte) number;
            case "INT16" -> (short) (number * 100);
            case "UINT16" -> number * 300;
            case "INT32" -> number * 1_000_000;
            case "INT64" -> number * 1_000_000_000_000L;
            case "UUID" -> filled ? new Uuid(number * 7_000_000_007L, number * 9_000_000_011L) : Uuid.ZERO_UUID;
            case "STRING", "COMPACT_STRING", "NULLABLE_STRING", "COMPACT_NULLABLE_STRING" -> filled ? "text-" + number : "";
            case "RECORDS", "COMPACT_RECORDS", "NULLABLE_RECORDS", "COMPACT_NULLABLE_RECORDS" -> MemoryRecords.readableRecords(ByteBuffer.wrap(("records-" + number).getBytes()));
            case "BYTES", "COMPACT_BYTES", "NULLABLE_BYTES", "COMPACT_NULLABLE_BYTES" -> ByteBuffer.wrap(new byte[] {(byte) number});
            default -> throw new AssertionError(type.toString());
        };
    }
}
