import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.ExecutionException;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.DescribeFeaturesOptions;
import org.apache.kafka.clients.admin.FeatureMetadata;
import org.apache.kafka.clients.admin.ListConfigResourcesOptions;
import org.apache.kafka.clients.admin.LogDirDescription;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.ProducerState;
import org.apache.kafka.clients.admin.QuorumInfo;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;

/** The Java AdminClient, told what to do a line at a time. An error is answered by its name. */
final class Administrator {
    private final Serve.Session session;
    private final JsonNode settings;

    Administrator(Serve.Session session, JsonNode settings) {
        this.session = session;
        this.settings = settings;
    }

    void run() throws IOException, InterruptedException {
        try (Admin admin = Admin.create(Serve.client(settings, Map.of()))) {
            for (JsonNode line = session.read(); line != null; line = session.read()) {
                try {
                    session.tell("answer", obey(admin, line));
                } catch (ExecutionException refused) {
                    session.tell("answer", Map.of("error", refused.getCause().getClass().getSimpleName(),
                        "message", String.valueOf(refused.getCause().getMessage())));
                }
            }
        }
    }

    private static Object obey(Admin admin, JsonNode told) throws ExecutionException, InterruptedException {
        String topic = told.path("topic").asText();
        TopicPartition partition = new TopicPartition(topic, told.path("partition").asInt());
        return switch (told.get("do").asText()) {
            case "create topic" -> {
                NewTopic wanted = new NewTopic(topic, told.get("partitions").asInt(), (short) 1).configs(texts(told.path("configs")));
                yield done(admin.createTopics(List.of(wanted)).all().get());
            }
            case "delete topic" -> done(admin.deleteTopics(List.of(topic)).all().get());
            case "list topics" -> admin.listTopics().names().get();
            case "describe topic" -> described(admin.describeTopics(List.of(topic)).allTopicNames().get().get(topic));
            case "create partitions" -> done(admin.createPartitions(
                Map.of(topic, NewPartitions.increaseTo(told.get("count").asInt()))).all().get());
            case "delete records" -> admin.deleteRecords(
                Map.of(partition, RecordsToDelete.beforeOffset(told.get("before").asLong()))).lowWatermarks().get(partition).get().lowWatermark();
            case "list offset" -> admin.listOffsets(Map.of(partition, spec(told.get("of")))).partitionResult(partition).get().offset();
            case "describe producers" -> admin.describeProducers(List.of(partition)).partitionResult(partition).get().activeProducers()
                .stream().map(Administrator::producer).toList();
            default -> obeyOfCluster(admin, told);
        };
    }

    private static Object obeyOfCluster(Admin admin, JsonNode told) throws ExecutionException, InterruptedException {
        return switch (told.get("do").asText()) {
            case "describe configs" -> configs(admin, resource(told));
            case "alter configs" -> done(admin.incrementalAlterConfigs(Map.of(resource(told), changes(told))).all().get());
            case "list config resources" -> admin.listConfigResources(
                java.util.Set.of(ConfigResource.Type.valueOf(told.get("type").asText())), new ListConfigResourcesOptions()).all().get()
                .stream().map(ConfigResource::name).sorted().toList();
            case "describe log dirs" -> logDirs(admin, told.get("broker").asInt(), told.get("topic").asText());
            case "describe cluster" -> {
                var cluster = admin.describeCluster();
                yield Map.of("cluster", cluster.clusterId().get(), "controller", cluster.controller().get().id(),
                    "nodes", cluster.nodes().get().stream().map(node -> node.id() + "@" + node.host() + ":" + node.port()).toList());
            }
            case "describe quorum" -> quorum(admin.describeMetadataQuorum().quorumInfo().get());
            case "describe features" -> features(admin.describeFeatures(new DescribeFeaturesOptions()).featureMetadata().get());
            default -> obeyOfGroups(admin, told);
        };
    }

    private static Object obeyOfGroups(Admin admin, JsonNode told) throws ExecutionException, InterruptedException {
        String group = told.path("group").asText();
        TopicPartition partition = new TopicPartition(told.path("topic").asText(), told.path("partition").asInt());
        return switch (told.get("do").asText()) {
            case "list groups" -> admin.listGroups().all().get().stream().collect(Collectors.toMap(each -> each.groupId(),
                each -> List.of(each.type().map(Object::toString).orElse(""), each.protocol(), each.groupState().map(Object::toString).orElse(""))));
            case "describe group" -> {
                var found = admin.describeConsumerGroups(List.of(group)).describedGroups().get(group).get();
                yield Map.of("state", found.groupState().toString(), "assignor", found.partitionAssignor(), "members",
                    found.members().stream().map(each -> each.assignment().topicPartitions().stream().map(TopicPartition::partition).sorted().toList()).toList());
            }
            case "commit" -> done(admin.alterConsumerGroupOffsets(group,
                Map.of(partition, new OffsetAndMetadata(told.get("offset").asLong(), "a note"))).all().get());
            case "committed" -> admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get().entrySet().stream()
                .map(each -> List.of(each.getKey().topic(), each.getKey().partition(), each.getValue().offset(), each.getValue().metadata())).toList();
            case "delete offset" -> done(admin.deleteConsumerGroupOffsets(group, java.util.Set.of(partition)).all().get());
            case "delete group" -> done(admin.deleteConsumerGroups(List.of(group)).all().get());
            default -> throw new IllegalArgumentException(told.toString());
        };
    }

    private static String done(Void nothing) {
        return "done";
    }

    private static Map<String, String> texts(JsonNode object) {
        Map<String, String> found = new TreeMap<>();
        object.fields().forEachRemaining(each -> found.put(each.getKey(), each.getValue().asText()));
        return found;
    }

    private static OffsetSpec spec(JsonNode of) {
        return switch (of.asText()) {
            case "earliest" -> OffsetSpec.earliest();
            case "latest" -> OffsetSpec.latest();
            case "max timestamp" -> OffsetSpec.maxTimestamp();
            default -> OffsetSpec.forTimestamp(of.asLong());
        };
    }

    private static Object described(TopicDescription topic) {
        return Map.of("id", topic.topicId().toString(), "internal", topic.isInternal(), "partitions", topic.partitions().stream()
            .map(each -> List.of(each.partition(), each.leader().id(), each.replicas().size(), each.isr().size())).toList());
    }

    private static Object producer(ProducerState state) {
        return Map.of("id", state.producerId(), "epoch", state.producerEpoch(), "sequence", state.lastSequence(),
            "coordinator", state.coordinatorEpoch().orElse(-1), "transaction", state.currentTransactionStartOffset().orElse(-1));
    }

    private static ConfigResource resource(JsonNode told) {
        return new ConfigResource(ConfigResource.Type.valueOf(told.get("type").asText()), told.get("name").asText());
    }

    private static List<AlterConfigOp> changes(JsonNode told) {
        List<AlterConfigOp> changes = new ArrayList<>();
        for (JsonNode each : told.get("changes")) { // operation, key, value
            ConfigEntry entry = new ConfigEntry(each.get(1).asText(), each.get(2).asText());
            changes.add(new AlterConfigOp(entry, AlterConfigOp.OpType.valueOf(each.get(0).asText())));
        }
        return changes;
    }

    /** Value, source, type and whether it is read only or sensitive of each key. */
    private static Object configs(Admin admin, ConfigResource resource) throws ExecutionException, InterruptedException {
        return admin.describeConfigs(List.of(resource)).all().get().get(resource).entries().stream().collect(Collectors.toMap(
            ConfigEntry::name, each -> List.of(Optional.ofNullable(each.value()).orElse("null"), each.source().toString(),
                each.type().toString(), each.isReadOnly(), each.isSensitive())));
    }

    /** Per directory: whether its error is none, its total bytes, and the bytes and lag of the topic's partitions. */
    private static Object logDirs(Admin admin, int broker, String topic) throws ExecutionException, InterruptedException {
        Map<String, Object> found = new TreeMap<>();
        Map<String, LogDirDescription> directories = admin.describeLogDirs(List.of(broker)).allDescriptions().get().get(broker);
        for (Map.Entry<String, LogDirDescription> each : directories.entrySet()) {
            LogDirDescription directory = each.getValue();
            Map<Integer, List<Object>> partitions = new TreeMap<>();
            directory.replicaInfos().forEach((partition, replica) -> {
                if (partition.topic().equals(topic)) {
                    partitions.put(partition.partition(), List.of(replica.size(), replica.offsetLag(), replica.isFuture()));
                }
            });
            found.put(each.getKey(), Map.of("fine", directory.error() == null, "total", directory.totalBytes().orElse(-1),
                "usable", directory.usableBytes().orElse(-1), "partitions", partitions));
        }
        return found;
    }

    private static Object quorum(QuorumInfo quorum) {
        return Map.of("leader", quorum.leaderId(), "epoch", quorum.leaderEpoch(), "highWatermark", quorum.highWatermark(),
            "voters", quorum.voters().stream().map(each -> List.of(each.replicaId(), each.logEndOffset(), each.replicaDirectoryId().toString())).toList(),
            "observers", quorum.observers().size(), "nodes", quorum.nodes().size());
    }

    private static Object features(FeatureMetadata features) {
        return Map.of(
            "finalized", features.finalizedFeatures().entrySet().stream().collect(Collectors.toMap(Map.Entry::getKey, each -> each.getValue().maxVersionLevel())),
            "supported", features.supportedFeatures().entrySet().stream().collect(Collectors.toMap(
                Map.Entry::getKey, each -> List.of(each.getValue().minVersion(), each.getValue().maxVersion()))));
    }
}
