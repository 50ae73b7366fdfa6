import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.header.internals.RecordHeader;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** Sends records and reads them back, without a group. Texts stand for bytes; null stays null. */
final class Records {
    private static final Duration POLL = Duration.ofMillis(200);

    private Records() {}

    /** Sends every record that is read, and answers with their offsets in that order; the name of the error for one that failed. */
    static void produce(Serve.Session session, JsonNode settings) throws IOException, InterruptedException {
        List<Future<RecordMetadata>> sent = new ArrayList<>();
        List<Object> offsets = new ArrayList<>();
        Map<String, Object> client = Serve.client(settings, Map.of("linger.ms", 50));
        if (settings.hasNonNull("codec")) {
            client.put("compression.type", settings.get("codec").asText());
        }
        try (KafkaProducer<String, String> producer = new KafkaProducer<>(client, new StringSerializer(), new StringSerializer())) {
            for (JsonNode line = session.read(); line != null; line = session.read()) {
                sent.add(producer.send(record(line)));
            }
            producer.flush();
            for (Future<RecordMetadata> each : sent) {
                offsets.add(outcome(each));
            }
        }
        session.tell("answer", offsets);
    }

    private static Object outcome(Future<RecordMetadata> sent) throws InterruptedException {
        try {
            return sent.get().offset();
        } catch (ExecutionException failure) {
            return failure.getCause().getClass().getSimpleName();
        }
    }

    private static ProducerRecord<String, String> record(JsonNode line) {
        List<Header> headers = new ArrayList<>();
        for (JsonNode each : line.path("headers")) {
            String value = each.get(1).textValue();
            headers.add(new RecordHeader(each.get(0).asText(), value == null ? null : value.getBytes(StandardCharsets.UTF_8)));
        }
        Integer partition = line.hasNonNull("partition") ? line.get("partition").asInt() : null;
        Long timestamp = line.hasNonNull("timestamp") ? line.get("timestamp").asLong() : null;
        return new ProducerRecord<>(line.get("topic").asText(), partition, timestamp, line.path("key").textValue(),
            line.path("value").textValue(), headers);
    }

    /** Tells `count` records of a partition from where `from` says: start, end, an offset, or the first since a timestamp. */
    static void consume(Serve.Session session, JsonNode settings) throws IOException {
        TopicPartition partition = new TopicPartition(settings.get("topic").asText(), settings.path("partition").asInt());
        Map<String, Object> client = Serve.client(settings, Map.of("auto.offset.reset", "none"));
        try (KafkaConsumer<String, String> consumer =
                new KafkaConsumer<>(client, new StringDeserializer(), new StringDeserializer())) {
            consumer.assign(List.of(partition));
            seek(consumer, partition, settings.get("from"));
            session.tell("answer", consumer.position(partition));
            for (int left = settings.get("count").asInt(); left > 0; ) {
                for (ConsumerRecord<String, String> each : consumer.poll(POLL)) {
                    session.tell("record", told(each));
                    left -= 1;
                }
            }
        }
    }

    private static void seek(KafkaConsumer<String, String> consumer, TopicPartition partition, JsonNode from) {
        if (from.has("offset")) {
            consumer.seek(partition, from.get("offset").asLong());
        } else if (from.has("timestamp")) {
            consumer.seek(partition, consumer.offsetsForTimes(Map.of(partition, from.get("timestamp").asLong())).get(partition).offset());
        } else if (from.asText().equals("start")) {
            consumer.seekToBeginning(List.of(partition));
        } else {
            consumer.seekToEnd(List.of(partition));
        }
    }

    private static Map<String, Object> told(ConsumerRecord<String, String> record) {
        List<List<String>> headers = new ArrayList<>();
        for (Header each : record.headers()) {
            List<String> header = new ArrayList<>();
            header.add(each.key());
            header.add(each.value() == null ? null : new String(each.value(), StandardCharsets.UTF_8));
            headers.add(header);
        }
        Map<String, Object> told = new HashMap<>();
        told.put("offset", record.offset());
        told.put("timestamp", record.timestamp());
        told.put("key", record.key());
        told.put("value", record.value());
        told.put("headers", headers);
        return told;
    }
}
