import com.google.gson.Gson;
import com.google.gson.JsonObject;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Browsers by remote control: a line of JSON for each command on stdin, a line for each answer on
 * stdout, in the order in which they are done. The end of stdin is the end of the program.
 *
 * <p>It asks too: {"judge": 1, "source": "…"} before a script runs, and {"judged": 1, "fault":
 * "…"} refuses it.
 */
public final class Driver {
  private static final PrintStream OUT = new PrintStream(System.out, true, StandardCharsets.UTF_8);
  private static final Gson GSON = new Gson();
  private static final Map<String, InternetExplorer> BROWSERS = new ConcurrentHashMap<>();
  private static final Map<Integer, CompletableFuture<String>> JUDGING = new ConcurrentHashMap<>();
  private static final AtomicInteger JUDGED = new AtomicInteger();

  public static void main(String[] args) throws IOException {
    // HtmlUnit has much to say about every page
    System.setProperty("org.apache.commons.logging.Log", "org.apache.commons.logging.impl.NoOpLog");
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      JsonObject message = GSON.fromJson(line, JsonObject.class);
      if (message.has("judged")) {
        JUDGING.remove(message.get("judged").getAsInt()).complete(text(message, "fault"));
      } else {
        new Thread(() -> obey(message)).start();
      }
    }
    System.exit(0);
  }

  private static void obey(JsonObject command) {
    JsonObject answer = new JsonObject();
    answer.add("id", command.get("id"));
    try {
      answer.add("result", GSON.toJsonTree(result(command)));
    } catch (Throwable error) {
      answer.addProperty("error", error.toString());
    }
    print(answer);
  }

  private static Object result(JsonObject command) throws Exception {
    String name = text(command, "browser");
    String selector = text(command, "selector");
    if (text(command, "do").equals("start")) {
      return BROWSERS.put(name, new InternetExplorer(text(command, "version"), command.has("strict"), Driver::judge));
    }
    InternetExplorer browser = BROWSERS.get(name);
    switch (text(command, "do")) {
      case "open":
        return browser.open(text(command, "url"));
      case "see":
        return browser.see(selector);
      case "type":
        return browser.type(selector, text(command, "text"));
      case "click":
        return browser.click(selector);
      case "run":
        return browser.run(text(command, "script"));
      case "errors":
        return browser.errors();
      case "close":
        return BROWSERS.remove(name).close();
      default:
        throw new IllegalArgumentException("There is no command " + command.get("do"));
    }
  }

  /** Returns the fault of a script, which the other side finds, or null. */
  private static String judge(String source) {
    int number = JUDGED.incrementAndGet();
    CompletableFuture<String> fault = new CompletableFuture<>();
    JUDGING.put(number, fault);
    JsonObject question = new JsonObject();
    question.addProperty("judge", number);
    question.addProperty("source", source);
    print(question);
    return fault.join();
  }

  private static String text(JsonObject message, String name) {
    return message.has(name) && !message.get(name).isJsonNull() ? message.get(name).getAsString() : null;
  }

  private static synchronized void print(JsonObject message) {
    OUT.println(GSON.toJson(message));
  }
}
