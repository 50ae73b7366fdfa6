import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/**
 * One Java machine for all cases that need one, since starting one for each would cost more than the cases. It listens on a
 * loopback port, which it prints. Each connection is what a process would be: its first line names a mode and the settings, and
 * what follows is that mode's standard input and output, one JSON object a line. It ends when its standard input does.
 */
final class Serve {
    static final ObjectMapper JSON = new ObjectMapper();

    private Serve() {}

    public static void main(String[] arguments) throws IOException {
        Tool.takeOver();
        try (ServerSocket listener = new ServerSocket(0, 64, InetAddress.getLoopbackAddress())) {
            Tool.realOut().println(listener.getLocalPort());
            daemon(() -> accept(listener));
            while (System.in.read() >= 0) {
                // Whoever started us holds the other end.
            }
        }
        Runtime.getRuntime().halt(0);
    }

    private static void accept(ServerSocket listener) {
        try {
            while (true) {
                Socket socket = listener.accept();
                daemon(() -> serve(socket));
            }
        } catch (IOException closed) {
            // The machine ends.
        }
    }

    static void daemon(Runnable work) {
        Thread thread = new Thread(work);
        thread.setDaemon(true);
        thread.start();
    }

    private static void serve(Socket socket) {
        try (socket; Session session = new Session(socket)) {
            JsonNode wanted = session.read();
            JsonNode settings = wanted.get("settings");
            try {
                switch (wanted.get("mode").asText()) {
                    case "tool" -> session.tell("answer", Tool.run(settings));
                    case "produce" -> Records.produce(session, settings);
                    case "consume" -> Records.consume(session, settings);
                    case "member" -> new Member(session, settings).run();
                    case "admin" -> new Administrator(session, settings).run();
                    default -> throw new IllegalArgumentException("mode " + wanted.get("mode"));
                }
            } catch (Exception failure) {
                session.tell("failed", failure.toString());
            }
        } catch (IOException gone) {
            // The case ended first.
        }
    }

    /** A connection: a line in, a line out. Several threads may tell. */
    static final class Session implements AutoCloseable {
        private final BufferedReader in;
        private final PrintWriter out;

        Session(Socket socket) throws IOException {
            in = new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8));
            out = new PrintWriter(socket.getOutputStream(), false, StandardCharsets.UTF_8);
        }

        /** The next line, null at the end. */
        JsonNode read() throws IOException {
            String line = in.readLine();
            return line == null ? null : JSON.readTree(line);
        }

        synchronized void tell(String what, Object content) throws IOException {
            out.println(JSON.writeValueAsString(java.util.Collections.singletonMap(what, content)));
            out.flush();
        }

        @Override
        public void close() {
            out.close();
        }
    }

    /** Client settings: the bootstrap address and what stands under "client". */
    static Map<String, Object> client(JsonNode settings, Map<String, Object> more) {
        Map<String, Object> client = new java.util.HashMap<>(more);
        client.put("bootstrap.servers", settings.get("bootstrap").asText());
        settings.path("client").fields().forEachRemaining(each -> client.put(each.getKey(), each.getValue().asText()));
        return client;
    }
}
