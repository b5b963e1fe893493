import com.gargoylesoftware.htmlunit.BrowserVersion;
import com.gargoylesoftware.htmlunit.ScriptException;
import com.gargoylesoftware.htmlunit.SilentCssErrorHandler;
import com.gargoylesoftware.htmlunit.WebClient;
import com.gargoylesoftware.htmlunit.WebWindow;
import com.gargoylesoftware.htmlunit.html.DomAttr;
import com.gargoylesoftware.htmlunit.html.DomElement;
import com.gargoylesoftware.htmlunit.html.DomNode;
import com.gargoylesoftware.htmlunit.html.HtmlButton;
import com.gargoylesoftware.htmlunit.html.HtmlElement;
import com.gargoylesoftware.htmlunit.html.HtmlPage;
import com.gargoylesoftware.htmlunit.javascript.JavaScriptEngine;
import com.gargoylesoftware.htmlunit.javascript.JavaScriptErrorListener;
import com.gargoylesoftware.htmlunit.javascript.PostponedAction;
import com.gargoylesoftware.htmlunit.javascript.background.BackgroundJavaScriptFactory;
import java.io.IOException;
import java.io.InputStream;
import java.net.MalformedURLException;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.UnaryOperator;
import net.sourceforge.htmlunit.corejs.javascript.Context;
import net.sourceforge.htmlunit.corejs.javascript.Scriptable;

/**
 * One person's Internet Explorer. HtmlUnit knows its DOM and its events; what HtmlUnit allows and
 * the real one does not is taken away here, in Network, in Calls and in prelude.js.
 */
final class InternetExplorer {
  private static final String PRELUDE = "prelude.js";
  private static final String STRICT = "strict.js";

  static {
    BackgroundJavaScriptFactory.setFactory(new Calls());
  }

  private final WebClient client;
  private final boolean isOld;
  private final List<String> errors = new CopyOnWriteArrayList<>();
  private final UnaryOperator<String> judge;

  /** `isStrict`: its security zone allows neither requests nor ActiveX. */
  InternetExplorer(String version, boolean isStrict, UnaryOperator<String> judge) throws IOException {
    this.judge = judge;
    isOld = !version.equals("8");
    client = new WebClient(version(version));
    client.setWebConnection(new Network(client));
    client.setCssErrorHandler(new SilentCssErrorHandler());
    client.getOptions().setThrowExceptionOnScriptError(false);
    client.getOptions().setThrowExceptionOnFailingStatusCode(false);
    client.setJavaScriptErrorListener(new Listener());
    client.setScriptPreProcessor((page, source, name, line, element) -> judged(source, name));
    client.setJavaScriptEngine(new Engine(client, read(PRELUDE) + (isStrict ? read(STRICT) : "")));
  }

  private static BrowserVersion version(String number) {
    switch (number) {
      case "6":
        return BrowserVersion.INTERNET_EXPLORER_6;
      case "7":
        return BrowserVersion.INTERNET_EXPLORER_7;
      default:
        return BrowserVersion.INTERNET_EXPLORER_8;
    }
  }

  private static String read(String resource) throws IOException {
    try (InputStream stream = InternetExplorer.class.getResourceAsStream(resource)) {
      return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  private String judged(String source, String name) {
    String fault = name.equals(PRELUDE) ? null : judge.apply(source);
    if (fault != null) throw Context.reportRuntimeError(fault);
    return source;
  }

  Object open(String url) throws IOException {
    client.getPage(url);
    return null;
  }

  /** Text and attributes of all elements that a selector finds. */
  List<Map<String, String>> see(String selector) {
    List<Map<String, String>> seen = new ArrayList<>();
    synchronized (page()) {
      for (DomNode node : page().querySelectorAll(selector)) {
        Map<String, String> element = new LinkedHashMap<>();
        for (DomAttr attribute : ((DomElement) node).getAttributesMap().values()) {
          element.put(attribute.getName(), attribute.getValue());
        }
        element.put("text", node.getTextContent());
        seen.add(element);
      }
    }
    return seen;
  }

  /** Key by key; "\n" is the Enter key. */
  Object type(String selector, String text) throws IOException {
    find(selector).type(text);
    return null;
  }

  Object click(String selector) throws IOException {
    HtmlElement element = find(selector);
    // [IE7] A <button> sends its label instead of its value.
    if (element instanceof HtmlButton && isOld) element.setAttribute("value", element.getTextContent().trim());
    element.click();
    return null;
  }

  /** Runs the body of a function in the page, and returns its result as text. */
  String run(String script) {
    String source = "String(function(){" + script + "\n}())";
    String fault = judge.apply(source);
    if (fault != null) throw new IllegalArgumentException(fault);
    return String.valueOf(page().executeJavaScript(source).getJavaScriptResult());
  }

  List<String> errors() {
    return errors;
  }

  Object close() {
    client.closeAllWindows();
    return null;
  }

  /**
   * Returns the page that the person sees. A frame that loads within it becomes HtmlUnit's current
   * window.
   */
  private HtmlPage page() {
    return (HtmlPage) client.getCurrentWindow().getTopWindow().getEnclosedPage();
  }

  private HtmlElement find(String selector) {
    DomNode element = page().querySelector(selector);
    if (element == null) throw new IllegalArgumentException("There is no " + selector);
    return (HtmlElement) element;
  }

  /** Runs the prelude in every window before the page's own scripts. */
  private static final class Engine extends JavaScriptEngine {
    private final String prelude;

    Engine(WebClient client, String prelude) {
      super(client);
      this.prelude = prelude;
    }

    @Override
    public void initialize(WebWindow window) {
      super.initialize(window);
      Scriptable scope = (Scriptable) window.getScriptObject();
      getContextFactory().call(context -> context.evaluateString(scope, prelude, PRELUDE, 1, null));
    }

    @Override
    public void addPostponedAction(PostponedAction action) {
      Calls.later(getWebClient().getCurrentWindow().getEnclosedPage(), action);
    }
  }

  private final class Listener implements JavaScriptErrorListener {
    @Override
    public void scriptException(HtmlPage page, ScriptException error) {
      errors.add(error.getMessage());
    }

    @Override
    public void timeoutError(HtmlPage page, long allowedMs, long executionMs) {
      errors.add("a script ran for " + executionMs + " ms");
    }

    @Override
    public void malformedScriptURL(HtmlPage page, String url, MalformedURLException error) {
      errors.add("no URL of a script: " + url);
    }

    @Override
    public void loadScriptError(HtmlPage page, URL url, Exception error) {
      // The page continues without a report.
    }
  }
}
