import com.fasterxml.jackson.databind.JsonNode;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintStream;
import java.lang.reflect.InvocationTargetException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.utils.Exit;

/**
 * Runs a tool's main as if it had a machine of its own. Each run has its own standard streams, also for the threads that it
 * starts, and loads the tool's classes anew, since some of them count in static fields. Exiting runs the hooks and leaves by an
 * error; what the tool says or returns while that unwinds does not count, for in a machine of its own it would be gone.
 */
final class Tool {
    private static final InheritableThreadLocal<Tool> CURRENT = new InheritableThreadLocal<>();
    private static final PrintStream REAL_OUT = System.out;
    private static final PrintStream REAL_ERR = System.err;
    private static final InputStream REAL_IN = System.in;

    private final InputStream in;
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();
    private final List<Runnable> hooks = new ArrayList<>();
    private volatile Integer exitCode;

    private Tool(String stdin) {
        in = new ByteArrayInputStream(stdin.getBytes(StandardCharsets.UTF_8));
    }

    /** The tool ends here. */
    private static final class Exited extends Error {
        Exited() {
            super(null, null, false, false);
        }
    }

    static PrintStream realOut() {
        return REAL_OUT;
    }

    /** Puts the standard streams and Kafka's way of exiting under our control. Before anything else of Kafka's runs. */
    static void takeOver() {
        System.setOut(stream(REAL_OUT, false));
        System.setErr(stream(REAL_ERR, true));
        System.setIn(new InputStream() {
            @Override
            public int read() throws IOException {
                Tool current = CURRENT.get();
                return current == null ? REAL_IN.read() : current.in.read();
            }

            @Override
            public int read(byte[] bytes, int from, int length) throws IOException {
                Tool current = CURRENT.get();
                return current == null ? REAL_IN.read(bytes, from, length) : current.in.read(bytes, from, length);
            }
        });
        Exit.setExitProcedure((code, message) -> CURRENT.get().exit(code, message));
        Exit.setHaltProcedure((code, message) -> CURRENT.get().exit(code, message));
        Exit.setShutdownHookAdder((name, hook) -> CURRENT.get().addHook(hook));
    }

    private static PrintStream stream(PrintStream real, boolean error) {
        return new PrintStream(new OutputStream() {
            @Override
            public void write(int single) {
                write(new byte[] {(byte) single}, 0, 1);
            }

            @Override
            public void write(byte[] bytes, int from, int length) {
                Tool current = CURRENT.get();
                if (current == null) {
                    real.write(bytes, from, length);
                } else if (current.exitCode == null) {
                    (error ? current.err : current.out).write(bytes, from, length);
                }
            }
        }, true, StandardCharsets.UTF_8) {
            @Override
            public void close() {
                flush(); // A tool that closes its standard streams does not close the next one's.
            }
        };
    }

    private void exit(int code, String message) {
        if (exitCode == null) {
            runHooks();
            exitCode = code;
        }
        throw new Exited();
    }

    private synchronized void addHook(Runnable hook) {
        hooks.add(hook);
    }

    private synchronized void runHooks() {
        List<Runnable> all = List.copyOf(hooks);
        hooks.clear();
        all.forEach(Runnable::run);
    }

    /** Runs settings' "class" with its "arguments" and "stdin", its classes from "jars": exit code, output and errors. */
    static Map<String, Object> run(JsonNode settings) throws Exception {
        Tool tool = new Tool(settings.path("stdin").asText(""));
        List<String> arguments = new ArrayList<>();
        settings.get("arguments").forEach(each -> arguments.add(each.asText()));
        List<URL> jars = new ArrayList<>();
        for (JsonNode each : settings.get("jars")) {
            jars.add(Path.of(each.asText()).toUri().toURL());
        }
        CURRENT.set(tool);
        try (URLClassLoader classes = new URLClassLoader(jars.toArray(URL[]::new), Tool.class.getClassLoader())) {
            Thread.currentThread().setContextClassLoader(classes);
            tool.invoke(classes.loadClass(settings.get("class").asText()), arguments.toArray(String[]::new));
        } finally {
            CURRENT.remove();
        }
        return Map.of("code", tool.exitCode, "out", tool.out.toString(StandardCharsets.UTF_8),
            "err", tool.err.toString(StandardCharsets.UTF_8));
    }

    private void invoke(Class<?> main, String[] arguments) throws ReflectiveOperationException {
        try {
            main.getMethod("main", String[].class).invoke(null, (Object) arguments);
            runHooks();
            exitCode = exitCode == null ? Integer.valueOf(0) : exitCode;
        } catch (InvocationTargetException left) {
            if (!(left.getCause() instanceof Exited)) {
                left.getCause().printStackTrace();
                runHooks();
                exitCode = exitCode == null ? Integer.valueOf(1) : exitCode;
            }
        }
    }
}
