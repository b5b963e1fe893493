import com.gargoylesoftware.htmlunit.Page;
import com.gargoylesoftware.htmlunit.WebWindow;
import com.gargoylesoftware.htmlunit.javascript.PostponedAction;
import com.gargoylesoftware.htmlunit.javascript.background.BackgroundJavaScriptFactory;
import com.gargoylesoftware.htmlunit.javascript.background.JavaScriptJob;
import com.gargoylesoftware.htmlunit.javascript.background.JavaScriptJobManager;
import java.lang.reflect.Proxy;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import net.sourceforge.htmlunit.corejs.javascript.ContextAction;
import net.sourceforge.htmlunit.corejs.javascript.ContextFactory;

/**
 * XMLHttpRequests and inserted scripts under way, each on a thread of its own. HtmlUnit would run
 * requests one after another on the timers' thread, where a message waits for the end of a long
 * poll (19.8 s instead of 29 ms), and would let everything wait while it loads a script that a
 * script has inserted.
 */
final class Calls extends BackgroundJavaScriptFactory {
  /** One request; `hangUp` is known while it is on the wire. */
  static final class Call {
    volatile boolean aborted;
    volatile Runnable hangUp = () -> {};

    void abort() {
      aborted = true;
      hangUp.run();
    }
  }

  private static final ThreadLocal<Call> CURRENT = new ThreadLocal<>();
  private static final Map<Integer, Call> BY_JOB = new ConcurrentHashMap<>();

  /** Returns the call that this thread works for, or null for a person's click. */
  static Call current() {
    return CURRENT.get();
  }

  @Override
  public JavaScriptJob createJavascriptXMLHttpRequestJob(ContextFactory contexts, ContextAction action) {
    return job(() -> contexts.call(action));
  }

  /** Loads an inserted script or frame, as HtmlUnit would do before anything else. */
  static void later(Page page, PostponedAction action) {
    page.getEnclosingWindow().getJobManager().addJob(((Calls) theFactory()).job(() -> execute(action)), page);
  }

  private JavaScriptJob job(Runnable work) {
    JavaScriptJob[] job = new JavaScriptJob[1];
    job[0] = createJavaScriptJob(0, null, () -> start(job[0].getId(), work));
    return job[0];
  }

  private static void execute(PostponedAction action) {
    try {
      action.execute();
    } catch (Exception error) {
      throw new IllegalStateException(error);
    }
  }

  private static void start(Integer job, Runnable work) {
    Call call = BY_JOB.computeIfAbsent(job, number -> new Call());
    Thread thread = new Thread(() -> {
      CURRENT.set(call);
      work.run();
      BY_JOB.remove(job);
    });
    thread.setDaemon(true);
    thread.start();
  }

  /** May come before the job has begun. */
  private static void abort(Integer job) {
    BY_JOB.computeIfAbsent(job, number -> new Call()).abort();
  }

  /**
   * HtmlUnit's abort() and leaving a page only remove waiting jobs from the queue. Running jobs
   * continue.
   */
  @Override
  public JavaScriptJobManager createJavaScriptJobManager(WebWindow window) {
    JavaScriptJobManager manager = super.createJavaScriptJobManager(window);
    Set<Integer> ofThisWindow = ConcurrentHashMap.newKeySet();
    Class<?>[] faces = {JavaScriptJobManager.class};
    return (JavaScriptJobManager) Proxy.newProxyInstance(getClass().getClassLoader(), faces, (proxy, method, given) -> {
      Object result = method.invoke(manager, given);
      if (method.getName().equals("addJob")) ofThisWindow.add((Integer) result);
      if (method.getName().equals("stopJob")) abort((Integer) given[0]);
      if (method.getName().equals("removeAllJobs")) ofThisWindow.forEach(Calls::abort);
      return result;
    });
  }
}
