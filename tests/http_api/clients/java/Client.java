import java.io.ByteArrayInputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublisher;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;

/** java.net.http.HttpClient as it comes: over plain HTTP it offers an upgrade to HTTP/2 each time. */
public class Client {
    public static void main(String[] arguments) throws Exception {
        String url = arguments[0], key = arguments[1];
        byte[] single = arguments[2].getBytes("UTF-8"), bulk = arguments[3].getBytes("UTF-8");
        byte[] chunked = arguments[4].getBytes("UTF-8");
        HttpClient client = HttpClient.newHttpClient();
        post(client, url + "/api/messages/", key, BodyPublishers.ofByteArray(single));
        post(client, url + "/api/messages/bulk/", key, BodyPublishers.ofByteArray(bulk));
        post(client, url + "/api/messages/", key,
            BodyPublishers.ofInputStream(() -> new ByteArrayInputStream(chunked)));
    }

    static void post(HttpClient client, String url, String key, BodyPublisher body) throws Exception {
        HttpRequest request = HttpRequest.newBuilder(URI.create(url))
            .header("X-License-Key", key).header("Content-Type", "application/json").POST(body).build();
        System.out.println(client.send(request, BodyHandlers.ofString()).statusCode());
    }
}
