import com.gargoylesoftware.htmlunit.HttpMethod;
import com.gargoylesoftware.htmlunit.HttpWebConnection;
import com.gargoylesoftware.htmlunit.WebClient;
import com.gargoylesoftware.htmlunit.WebConnection;
import com.gargoylesoftware.htmlunit.WebRequest;
import com.gargoylesoftware.htmlunit.WebResponse;
import com.gargoylesoftware.htmlunit.WebResponseData;
import com.gargoylesoftware.htmlunit.util.NameValuePair;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.ConnectException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.apache.http.impl.client.AbstractHttpClient;

/**
 * The behavior of WinINet: two connections to a host, a cache of everything that is not forbidden,
 * and its own status numbers.
 */
final class Network implements WebConnection {
  /** [KB208427] */
  private static final int LONGEST_URL = 2083;
  private static final int NO_CONTENT = 204;
  /**
   * [KB193625, KB2826958] The status of a 204, of an unreachable server, and of a cut connection.
   */
  private static final int NO_CONTENT_HERE = 1223;
  private static final int CANNOT_CONNECT = 12029;
  private static final int CUT = 12152;

  private final WebClient client;
  private final Map<String, BlockingQueue<Line>> lines = new ConcurrentHashMap<>();
  private final Map<String, WebResponse> cache = new ConcurrentHashMap<>();

  Network(WebClient client) {
    this.client = client;
  }

  @Override
  public WebResponse getResponse(WebRequest request) throws IOException {
    boolean isGet = request.getHttpMethod() == HttpMethod.GET;
    String url = request.getUrl().toExternalForm();
    WebResponse kept = isGet ? cache.get(url) : null;
    if (kept != null) return kept;
    WebResponse response = Calls.current() == null ? fetch(request) : fetchForScript(request, Calls.current());
    if (isGet && mayBeKept(response)) cache.put(url, response);
    return response;
  }

  private static boolean mayBeKept(WebResponse response) {
    String rule = header(response, "Cache-Control") + header(response, "Pragma");
    return response.getStatusCode() == 200
        && !rule.matches("(?i).*(no-store|no-cache|max-age=0).*")
        && header(response, "Expires").isEmpty();
  }

  private static String header(WebResponse response, String name) {
    String value = response.getResponseHeaderValue(name);
    return value == null ? "" : value;
  }

  private WebResponse fetchForScript(WebRequest request, Calls.Call call) {
    try {
      WebResponse response = fetch(request);
      return response.getStatusCode() == NO_CONTENT ? empty(request, NO_CONTENT_HERE) : response;
    } catch (ConnectException error) {
      return empty(request, CANNOT_CONNECT);
    } catch (IOException error) {
      return empty(request, CUT);
    }
  }

  private static WebResponse empty(WebRequest request, int status) {
    List<NameValuePair> noHeaders = List.of();
    return new WebResponse(new WebResponseData(new byte[0], status, "Unknown", noHeaders), request, 0);
  }

  private WebResponse fetch(WebRequest request) throws IOException {
    if (request.getUrl().toExternalForm().length() > LONGEST_URL) throw new IOException("The URL is too long.");
    BlockingQueue<Line> free = lines.computeIfAbsent(request.getUrl().getAuthority(), host -> twoLines());
    Line line = take(free);
    Calls.Call call = Calls.current();
    try {
      if (call != null) call.hangUp = line::shutdown;
      if (call != null && call.aborted) throw new IOException("aborted");
      return line.getResponse(request);
    } finally {
      if (call != null) call.hangUp = () -> {};
      free.add(call != null && call.aborted ? new Line(client) : line);
    }
  }

  private BlockingQueue<Line> twoLines() {
    return new LinkedBlockingQueue<>(List.of(new Line(client), new Line(client)));
  }

  private static Line take(BlockingQueue<Line> free) throws IOException {
    try {
      for (;;) {
        Line line = free.poll(50, TimeUnit.MILLISECONDS);
        if (line != null) return line;
        if (Calls.current() != null && Calls.current().aborted) throw new IOException("aborted");
      }
    } catch (InterruptedException error) {
      throw new InterruptedIOException();
    }
  }

  /** One kept-alive connection, used by one request at a time. */
  private static final class Line extends HttpWebConnection {
    Line(WebClient client) {
      super(client);
    }

    @Override
    protected AbstractHttpClient createHttpClient() {
      AbstractHttpClient http = super.createHttpClient();
      // By default it would retry three times before it reports a cut connection.
      http.setHttpRequestRetryHandler((error, count, context) -> false);
      return http;
    }
  }
}
