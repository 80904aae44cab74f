package moldau.interop;

import java.io.IOException;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.apache.kafka.common.message.DescribeGroupsRequestData;
import org.apache.kafka.common.message.DescribeGroupsResponseData;
import org.apache.kafka.common.message.FindCoordinatorRequestData;
import org.apache.kafka.common.message.FindCoordinatorResponseData;
import org.apache.kafka.common.message.OffsetFetchRequestData;
import org.apache.kafka.common.message.OffsetFetchRequestData.OffsetFetchRequestGroup;
import org.apache.kafka.common.message.OffsetFetchResponseData;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.protocol.Errors;
import org.apache.kafka.common.utils.Utils;

/** What scripts of groups wait for before they ask on, without recording it. */
public final class Groups {
    private static final int PARTITIONS = 50;
    private static final Set<Short> NOT_YET = Set.of(Errors.COORDINATOR_NOT_AVAILABLE.code(), Errors.COORDINATOR_LOAD_IN_PROGRESS.code(),
        Errors.NOT_COORDINATOR.code());

    private Groups() {}

    /** Until the coordinators of all partitions answer: the first to ask for one has the topic made. */
    public static void awaitCoordinators(Session session) throws IOException {
        session.await(ApiKeys.FIND_COORDINATOR, new FindCoordinatorRequestData().setCoordinatorKeys(List.of("any")),
            (FindCoordinatorResponseData answer) -> !NOT_YET.contains(answer.coordinators().get(0).errorCode()));
        OffsetFetchRequestData request = new OffsetFetchRequestData();
        Set<Integer> asked = new TreeSet<>();
        for (int i = 0; asked.size() < PARTITIONS; i++)
            if (asked.add(Utils.abs(("any-" + i).hashCode()) % PARTITIONS))
                request.groups().add(new OffsetFetchRequestGroup().setGroupId("any-" + i).setTopics(null));
        session.await(ApiKeys.OFFSET_FETCH, request, (OffsetFetchResponseData answer) ->
            answer.groups().stream().noneMatch(group -> NOT_YET.contains(group.errorCode())));
    }

    public static void await(Session session, String group, String state, int members) throws IOException {
        session.await(ApiKeys.DESCRIBE_GROUPS, new DescribeGroupsRequestData().setGroups(List.of(group)),
            (DescribeGroupsResponseData answer) -> answer.groups().get(0).groupState().equals(state)
                && answer.groups().get(0).members().size() == members);
    }

    /** A group of as many members, in generation 1 and with assignments; the first leads. Its answers are recorded. */
    public static Member[] stable(Session session, Member... members) throws IOException {
        Member leader = members[0];
        leader.join("setup: leader");
        Object[] assignments = new Object[members.length * 2];
        for (int i = 1; i < members.length; i++) {
            // Each who comes begins a round in which all before come again.
            Member.Joining[] joining = new Member.Joining[i + 1];
            joining[i] = members[i].joining("setup: member " + i);
            await(session, leader.group, "PreparingRebalance", i + 1);
            for (int earlier = i - 1; earlier >= 0; earlier--) joining[earlier] = members[earlier].joining("setup: member " + earlier + " again");
            for (int any = i; any >= 0; any--) joining[any].answer();
        }
        for (int i = 0; i < members.length; i++) {
            assignments[2 * i] = members[i];
            assignments[2 * i + 1] = "part " + i;
        }
        leader.sync("setup: assignments", assignments);
        for (int i = 1; i < members.length; i++) members[i].sync("setup: assignment of " + i);
        return members;
    }
}
