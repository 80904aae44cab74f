package moldau.interop;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import moldau.interop.cases.AdminCases;
import moldau.interop.cases.ApiVersionsCases;
import moldau.interop.cases.ConfigCases;
import moldau.interop.cases.CoordinatorCases;
import moldau.interop.cases.FetchCases;
import moldau.interop.cases.GroupAdminCases;
import moldau.interop.cases.JoinCases;
import moldau.interop.cases.ListOffsetsCases;
import moldau.interop.cases.MetadataCases;
import moldau.interop.cases.OffsetCases;
import moldau.interop.cases.ProduceCases;
import moldau.interop.cases.RoundCases;
import moldau.interop.cases.StaticMemberCases;

/**
 * Asks a broker scripted questions over plain sockets and prints a line of JSON for each: `Ask host:port suite…`.
 * The cases are the same for every broker, so that two brokers' answers can be compared line by line.
 */
public final class Ask {
    interface Suite {
        void run(Session session) throws Exception;
    }

    private static final Map<String, Suite> SUITES = new LinkedHashMap<>();

    static {
        SUITES.put("apiversions", ApiVersionsCases::run);
        SUITES.put("metadata", MetadataCases::run);
        SUITES.put("produce", ProduceCases::run);
        SUITES.put("listoffsets", ListOffsetsCases::run);
        SUITES.put("fetch", FetchCases::run);
        SUITES.put("admin", AdminCases::run);
        SUITES.put("configs", ConfigCases::run);
        SUITES.put("coordinators", CoordinatorCases::run);
        SUITES.put("joins", JoinCases::run);
        SUITES.put("rounds", RoundCases::run);
        SUITES.put("static", StaticMemberCases::run);
        SUITES.put("offsets", OffsetCases::run);
        SUITES.put("groups", GroupAdminCases::run);
    }

    public static void main(String[] arguments) throws Exception {
        if (arguments.length < 2) {
            System.err.println("usage: Ask host:port suite…   suites: " + String.join(" ", SUITES.keySet()));
            System.exit(2);
        }
        for (String name : List.of(arguments).subList(1, arguments.length)) {
            Suite suite = SUITES.get(name);
            if (suite == null) throw new IllegalArgumentException("no suite '" + name + "'; there are " + SUITES.keySet());
            try (Session session = new Session(arguments[0], System.out)) {
                suite.run(session);
            }
        }
    }
}
