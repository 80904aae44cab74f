package moldau.interop.cases;

import java.io.IOException;
import java.nio.ByteBuffer;
import moldau.interop.Session;
import org.apache.kafka.common.message.ApiVersionsRequestData;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.protocol.MessageUtil;

/** ApiVersions at every version, at unknown ones, and other APIs and versions that a broker does not know. */
public final class ApiVersionsCases {
    private ApiVersionsCases() {}

    public static void run(Session session) throws IOException {
        ApiVersionsRequestData request = new ApiVersionsRequestData().setClientSoftwareName("interop").setClientSoftwareVersion("1.0");
        for (short version : ApiKeys.API_VERSIONS.allVersions())
            session.ask("api versions", ApiKeys.API_VERSIONS, version, version < 3 ? new ApiVersionsRequestData() : request);
        session.ask("invalid client software name", ApiKeys.API_VERSIONS,
            new ApiVersionsRequestData().setClientSoftwareName("not valid!").setClientSoftwareVersion("1.0"));
        session.ask("empty client software name", ApiKeys.API_VERSIONS, new ApiVersionsRequestData());
        ByteBuffer body = MessageUtil.toByteBufferAccessor(request, (short) 3).buffer();
        session.askRaw("api versions of an unknown version", ApiKeys.API_VERSIONS.id, 99, 2, body);
        session.askRaw("api versions of version -1", ApiKeys.API_VERSIONS.id, -1, 1, ByteBuffer.allocate(0));
        session.askRaw("metadata of an unknown version", ApiKeys.METADATA.id, 99, 2, ByteBuffer.allocate(8));
        session.askRaw("fetch below the minimum", ApiKeys.FETCH.id, 3, 1, ByteBuffer.allocate(4));
        session.askRaw("an unknown api", 999, 0, 1, ByteBuffer.allocate(4));
        session.askRaw("an api of the controller listener", ApiKeys.VOTE.id, 0, 2, ByteBuffer.allocate(32));
        session.askRaw("a body that ends early", ApiKeys.FIND_COORDINATOR.id, 4, 2, ByteBuffer.allocate(0));
        session.askRaw("a body with bytes to spare", ApiKeys.API_VERSIONS.id, 0, 1, ByteBuffer.allocate(16));
    }
}
