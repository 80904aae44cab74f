package moldau.interop.cases;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import moldau.interop.Groups;
import moldau.interop.Member;
import moldau.interop.Session;
import org.apache.kafka.common.message.DeleteGroupsRequestData;
import org.apache.kafka.common.message.DescribeGroupsRequestData;
import org.apache.kafka.common.message.ListGroupsRequestData;
import org.apache.kafka.common.protocol.ApiKeys;

/** Groups listed, described and deleted in every state; those of the cases before, too. */
public final class GroupAdminCases {
    private static final int FIRST_DESCRIBE_WITH_OPERATIONS = 3;

    private GroupAdminCases() {}

    public static void run(Session session) throws IOException {
        Groups.awaitCoordinators(session);
        OffsetCases.commit(session, "setup", 9, OffsetCases.request("admin-simple", -1, "", OffsetCases.named("offsets-other", OffsetCases.partition(0, 1, ""))));
        Member member = new Member(session, "admin-group");
        session.ask("setup: empty", ApiKeys.JOIN_GROUP, new Member(session, "admin-pending").joinRequest());
        List<String> groups = List.of("admin-group", "admin-pending", "admin-simple", "admin-unknown", "");
        all(session, "before", groups);
        member.join("setup");
        all(session, "assignments awaited", groups);
        member.sync("setup", member, "all");
        all(session, "stable", groups);
        Member other = new Member(session, "admin-group").withInstance("instance");
        Member.Joining joining = other.joining("setup");
        Groups.await(session, "admin-group", "PreparingRebalance", 2);
        all(session, "in a rebalance", groups);
        Member.Joining again = member.joining("setup");
        joining.answer();
        again.answer();
        all(session, "assignments of two awaited", groups);
        member.sync("setup", member, "one", other, "two");
        all(session, "stable, two", groups);
        list(session);
        delete(session, "stable", 2, "admin-group");
        member.leave("setup");
        other.leave("setup");
        all(session, "empty", groups);
        for (short version : ApiKeys.DELETE_GROUPS.allVersions()) {
            String group = "admin-delete-" + version;
            OffsetCases.commit(session, "setup", 9, OffsetCases.request(group, -1, "", OffsetCases.named(OffsetCases.TOPIC,
                OffsetCases.partition(0, 1, ""), OffsetCases.partition(1, 1, "")), OffsetCases.named("offsets-other", OffsetCases.partition(0, 1, ""))));
            delete(session, "with offsets", version, group);
            delete(session, "twice", version, group);
            delete(session, "unknown", version, "admin-unknown");
            delete(session, "empty group id", version, "");
            delete(session, "nothing", version);
        }
        delete(session, "several", 2, "admin-group", "admin-unknown", "", "admin-simple");
        delete(session, "pending member", 2, "admin-pending");
        delete(session, "the same twice", 2, "life-9", "life-9");
        all(session, "deleted", groups);
    }

    private static void all(Session session, String state, List<String> groups) throws IOException {
        for (short version : ApiKeys.DESCRIBE_GROUPS.allVersions()) {
            session.ask(state, ApiKeys.DESCRIBE_GROUPS, version, new DescribeGroupsRequestData().setGroups(groups));
            if (version >= FIRST_DESCRIBE_WITH_OPERATIONS)
                session.ask(state + ", operations", ApiKeys.DESCRIBE_GROUPS, version, new DescribeGroupsRequestData().setGroups(groups)
                    .setIncludeAuthorizedOperations(true));
        }
        session.ask(state + ", none", ApiKeys.DESCRIBE_GROUPS, new DescribeGroupsRequestData());
        session.ask(state + ", twice", ApiKeys.DESCRIBE_GROUPS, new DescribeGroupsRequestData().setGroups(List.of("admin-group", "admin-group")));
        for (short version : ApiKeys.LIST_GROUPS.allVersions()) session.ask(state, ApiKeys.LIST_GROUPS, version, new ListGroupsRequestData());
    }

    private static void list(Session session) throws IOException {
        for (String state : new String[] {"Stable", "stable", "STABLE", "Empty", "Dead", "PreparingRebalance", "preparing-rebalance", "CompletingRebalance",
            "Assigning", "Reconciling", "NotReady", "Unknown", "nonsense", "", " Stable ", "not_ready"}) {
            session.ask("state '" + state + "'", ApiKeys.LIST_GROUPS, new ListGroupsRequestData().setStatesFilter(List.of(state)));
            session.ask("state '" + state + "'", ApiKeys.LIST_GROUPS, 4, new ListGroupsRequestData().setStatesFilter(List.of(state)));
        }
        for (String type : new String[] {"classic", "Classic", "CLASSIC", "consumer", "share", "streams", "unknown", "nonsense", "", " classic "})
            session.ask("type '" + type + "'", ApiKeys.LIST_GROUPS, new ListGroupsRequestData().setTypesFilter(List.of(type)));
        session.ask("two states", ApiKeys.LIST_GROUPS, new ListGroupsRequestData().setStatesFilter(List.of("Stable", "Empty")));
        session.ask("a state and an unknown one", ApiKeys.LIST_GROUPS, new ListGroupsRequestData().setStatesFilter(List.of("Stable", "nonsense")));
        session.ask("a type and an unknown one", ApiKeys.LIST_GROUPS, new ListGroupsRequestData().setTypesFilter(List.of("classic", "nonsense")));
        session.ask("state and type", ApiKeys.LIST_GROUPS, new ListGroupsRequestData().setStatesFilter(List.of("Stable")).setTypesFilter(List.of("classic")));
        session.ask("state and other type", ApiKeys.LIST_GROUPS, new ListGroupsRequestData().setStatesFilter(List.of("Stable")).setTypesFilter(List.of("consumer")));
    }

    private static void delete(Session session, String name, int version, String... groups) throws IOException {
        session.ask(name, ApiKeys.DELETE_GROUPS, version, new DeleteGroupsRequestData().setGroupsNames(new ArrayList<>(List.of(groups))));
    }
}
