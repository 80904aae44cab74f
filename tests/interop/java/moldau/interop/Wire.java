package moldau.interop;

import java.io.Closeable;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import org.apache.kafka.common.message.RequestHeaderData;
import org.apache.kafka.common.message.ResponseHeaderData;
import org.apache.kafka.common.protocol.ApiKeys;
import org.apache.kafka.common.protocol.ApiMessage;
import org.apache.kafka.common.protocol.ByteBufferAccessor;
import org.apache.kafka.common.protocol.MessageUtil;

/**
 * One plain connection to a broker: writes a request of any API at any version, valid or not, and reads the answer.
 * Nothing of a client's own logic (retries, version choice, validation) stands between a case and the bytes.
 */
public final class Wire implements Closeable {
    private static final int TIMEOUT_MS = 10_000;
    private static final int LARGEST_ANSWER_BYTES = 64 << 20;
    private static final String CLIENT_ID = "moldau-interop";

    private final Socket socket;
    private final DataInputStream in;
    private int correlationId = 0;

    public Wire(String address) throws IOException {
        int colon = address.lastIndexOf(':');
        socket = new Socket();
        socket.connect(new InetSocketAddress(address.substring(0, colon), Integer.parseInt(address.substring(colon + 1))), TIMEOUT_MS);
        socket.setSoTimeout(TIMEOUT_MS);
        socket.setTcpNoDelay(true);
        in = new DataInputStream(socket.getInputStream());
    }

    /** Sends `request` and decodes the answer at the same version. */
    public ApiMessage exchange(ApiKeys api, int version, ApiMessage request) throws IOException {
        send(api, version, request);
        return decode(api, version, receive());
    }

    public void send(ApiKeys api, int version, ApiMessage request) throws IOException {
        sendRaw(api.id, version, api.requestHeaderVersion((short) version),
            MessageUtil.toByteBufferAccessor(request, (short) version).buffer());
    }

    /** Sends a frame whose api key, version and body may be anything. */
    public void sendRaw(int apiKey, int version, int headerVersion, ByteBuffer body) throws IOException {
        RequestHeaderData header = new RequestHeaderData().setRequestApiKey((short) apiKey)
            .setRequestApiVersion((short) version).setCorrelationId(++correlationId).setClientId(CLIENT_ID);
        ByteBuffer head = MessageUtil.toByteBufferAccessor(header, (short) headerVersion).buffer();
        ByteBuffer frame = ByteBuffer.allocate(4 + head.remaining() + body.remaining());
        frame.putInt(frame.capacity() - 4).put(head).put(body.duplicate());
        socket.getOutputStream().write(frame.array());
    }

    /** The next frame, without its length. Throws EOFException when the peer has closed. */
    public ByteBuffer receive() throws IOException {
        int size = in.readInt();
        if (size < 4 || size > LARGEST_ANSWER_BYTES) throw new IOException("the peer announces an answer of " + size + " bytes");
        byte[] frame = new byte[size];
        in.readFully(frame);
        return ByteBuffer.wrap(frame);
    }

    /** Waits until the peer closes; false when it answers instead. */
    public boolean closedByPeer() throws IOException {
        try {
            receive();
            return false;
        } catch (EOFException e) {
            return true;
        } catch (java.net.SocketException e) {
            return true;
        }
    }

    public ApiMessage decode(ApiKeys api, int version, ByteBuffer frame) throws IOException {
        ByteBufferAccessor reader = new ByteBufferAccessor(frame);
        ResponseHeaderData header = new ResponseHeaderData(reader, api.responseHeaderVersion((short) version));
        if (header.correlationId() != correlationId)
            throw new IOException("correlation id " + header.correlationId() + " answers request " + correlationId);
        ApiMessage response = api.messageType.newResponse();
        response.read(reader, (short) version);
        if (frame.hasRemaining()) throw new IOException(frame.remaining() + " bytes left after " + api + " v" + version);
        return response;
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
