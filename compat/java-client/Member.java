import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.regex.Pattern;
import org.apache.kafka.clients.consumer.CloseOptions;
import org.apache.kafka.clients.consumer.ConsumerRebalanceListener;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;

/** A member of a group that tells each rebalance and record and, between two polls, does what it is told. */
final class Member implements ConsumerRebalanceListener {
    private final Serve.Session session;
    private final KafkaConsumer<String, String> consumer;
    /** What it is told; empty when whoever tells is gone. */
    private final BlockingQueue<Optional<JsonNode>> told = new LinkedBlockingQueue<>();

    Member(Serve.Session session, JsonNode settings) {
        this.session = session;
        Map<String, Object> client = Serve.client(settings, Map.of("auto.offset.reset", "earliest", "enable.auto.commit", false));
        client.put("group.id", settings.get("group").asText());
        set(client, "partition.assignment.strategy", settings.get("assignor"));
        set(client, "group.instance.id", settings.get("instance"));
        set(client, "session.timeout.ms", settings.get("session_ms"));
        set(client, "heartbeat.interval.ms", settings.get("heartbeat_ms"));
        set(client, "metadata.max.age.ms", settings.get("metadata_ms"));
        set(client, "fetch.max.wait.ms", settings.get("fetch_ms"));
        consumer = new KafkaConsumer<>(client, new StringDeserializer(), new StringDeserializer());
        List<String> topics = new ArrayList<>();
        settings.get("topics").forEach(each -> topics.add(each.asText()));
        if (settings.path("pattern").asBoolean()) {
            consumer.subscribe(Pattern.compile(topics.get(0)), this);
        } else {
            consumer.subscribe(topics, this);
        }
    }

    private static void set(Map<String, Object> client, String key, JsonNode value) {
        if (value != null) {
            client.put(key, value.asText());
        }
    }

    void run() throws IOException {
        Serve.daemon(this::listen);
        while (true) {
            Optional<JsonNode> next = told.poll();
            if (next == null) {
                poll();
            } else if (next.isEmpty()) {
                // As if its process were gone: it says no farewell.
                consumer.close(CloseOptions.timeout(Duration.ZERO)
                    .withGroupMembershipOperation(CloseOptions.GroupMembershipOperation.REMAIN_IN_GROUP));
                return;
            } else if (next.get().get("do").asText().equals("leave")) {
                consumer.close();
                session.tell("answer", "done");
                return;
            } else {
                session.tell("answer", obey(next.get()));
            }
        }
    }

    private void listen() {
        try {
            for (JsonNode line = session.read(); line != null; line = session.read()) {
                told.add(Optional.of(line));
            }
        } catch (IOException closed) {
            // As at the end.
        }
        told.add(Optional.empty());
    }

    private void poll() throws IOException {
        try {
            for (ConsumerRecord<String, String> each : consumer.poll(Duration.ofMillis(50))) {
                session.tell("record", Map.of("topic", each.topic(), "partition", each.partition(), "offset", each.offset(),
                    "value", each.value()));
            }
        } catch (KafkaException failure) {
            session.tell("error", failure.toString());
        }
    }

    private Object obey(JsonNode command) {
        TopicPartition partition = new TopicPartition(command.get("topic").asText(), command.path("partition").asInt());
        long offset = command.path("offset").asLong();
        try {
            switch (command.get("do").asText()) {
                case "commit" -> consumer.commitSync();
                case "commit offset" -> consumer.commitSync(Map.of(partition, new OffsetAndMetadata(offset)));
                case "committed" -> {
                    return committed(partition.topic());
                }
                case "pause" -> consumer.pause(List.of(partition));
                case "resume" -> consumer.resume(List.of(partition));
                case "seek" -> consumer.seek(partition, offset);
                default -> throw new IllegalArgumentException(command.toString());
            }
            return "done";
        } catch (KafkaException | IllegalStateException failure) {
            return "error: " + failure;
        }
    }

    private List<List<Object>> committed(String topic) {
        List<List<Object>> found = new ArrayList<>();
        Set<TopicPartition> partitions = new HashSet<>();
        consumer.partitionsFor(topic).forEach(each -> partitions.add(new TopicPartition(topic, each.partition())));
        consumer.committed(partitions).forEach((partition, at) -> {
            if (at != null) {
                found.add(List.of(partition.topic(), partition.partition(), at.offset()));
            }
        });
        return found;
    }

    @Override
    public void onPartitionsAssigned(Collection<TopicPartition> partitions) {
        tell("assigned", partitions, consumer.assignment());
    }

    @Override
    public void onPartitionsRevoked(Collection<TopicPartition> partitions) {
        Collection<TopicPartition> left = new ArrayList<>(consumer.assignment());
        left.removeAll(partitions);
        tell("revoked", partitions, left);
    }

    private void tell(String what, Collection<TopicPartition> partitions, Collection<TopicPartition> share) {
        Map<String, Object> rebalance = new HashMap<>();
        rebalance.put("what", what);
        rebalance.put("partitions", byTopic(partitions));
        rebalance.put("share", byTopic(share));
        try {
            session.tell("rebalance", rebalance);
        } catch (IOException closed) {
            throw new UncheckedIOException(closed);
        }
    }

    private static Map<String, List<Integer>> byTopic(Collection<TopicPartition> partitions) {
        Map<String, List<Integer>> all = new TreeMap<>();
        partitions.forEach(each -> all.computeIfAbsent(each.topic(), topic -> new ArrayList<>()).add(each.partition()));
        return all;
    }
}
