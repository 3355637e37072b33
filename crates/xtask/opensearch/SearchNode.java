import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.opensearch.Version;
import org.opensearch.common.settings.Settings;
import org.opensearch.env.Environment;
import org.opensearch.node.Node;
import org.opensearch.plugins.PluginInfo;

/**
 * One OpenSearch node from jars on the class path, for tests and trials: plain HTTP on loopback, no security plugin.
 * Arguments: HTTP port, transport port, folder of its own.
 */
public final class SearchNode extends Node {
  private static final List<String> PLUGINS = List.of(
      "org.opensearch.transport.Netty4ModulePlugin",
      "org.opensearch.analysis.common.CommonAnalysisModulePlugin",
      "org.opensearch.index.mapper.MapperExtrasModulePlugin",
      "org.opensearch.index.reindex.ReindexModulePlugin",
      "org.opensearch.painless.PainlessModulePlugin",
      "org.opensearch.plugin.analysis.icu.AnalysisICUPlugin");

  private SearchNode(Settings settings, Path home) {
    super(new Environment(settings, home.resolve("config")), PLUGINS.stream().map(SearchNode::plugin).toList(), true);
  }

  private static PluginInfo plugin(String name) {
    return new PluginInfo(name, "classpath", "NA", Version.CURRENT, "21", name, null, List.of(), false);
  }

  public static void main(String[] args) throws Exception {
    Path home = Path.of(args[2]).toAbsolutePath();
    Settings settings = Settings.builder()
        .put("cluster.name", "segue")
        .put("node.name", "search")
        .put("path.home", home)
        .put("path.data", home.resolve("data"))
        .put("path.repo", home.resolve("repo"))
        .put("path.logs", home.resolve("logs"))
        .put("network.host", "127.0.0.1")
        .put("http.port", args[0])
        .put("transport.port", args[1])
        .put("discovery.type", "single-node")
        // As in production: a write to a name that is not there must fail, and not make an index by guessing.
        .put("action.auto_create_index", false)
        // A developer's disk is often fuller than the watermarks, which would make every index read-only.
        .put("cluster.routing.allocation.disk.threshold_enabled", false)
        .build();
    SearchNode node = new SearchNode(settings, home);
    CountDownLatch stopped = new CountDownLatch(1);
    Runtime.getRuntime().addShutdownHook(new Thread(() -> {
      try {
        node.close();
      } catch (Exception error) {
        error.printStackTrace();
      }
      stopped.countDown();
    }));
    node.start();
    System.out.println("READY");
    stopped.await();
  }
}
