// Sends by the client that openapi-generator made: URL, key and a prefix for the ids.
import java.util.Map;
import java.util.stream.IntStream;
import smsgate.ApiClient;
import smsgate.ApiException;
import smsgate.api.MessagesApi;
import smsgate.model.BulkMessages;
import smsgate.model.Error;
import smsgate.model.MessageItem;
import smsgate.model.SingleMessage;

class Client {
    static final String PHONE = "+48600100200", TEXT = "Zażółć";

    public static void main(String[] args) throws Exception {
        String url = args[0], key = args[1], prefix = args[2];
        var http = new ApiClient();
        http.updateBaseUri(url);
        http.setRequestInterceptor(request -> request.header("Authorization", "Bearer " + key));
        var messages = new MessagesApi(http);

        var single = new SingleMessage().externalId(prefix + "-0").phone(PHONE).message(TEXT)
            .sendAfter("2036-04-10T09:00:00");
        var sent = messages.sendMessage(single, null);
        var items = IntStream.range(0, 3).mapToObj(
            number -> new MessageItem().externalId(prefix + "-" + number).phone(PHONE).message(TEXT));
        var batch = messages.sendMessages(new BulkMessages().messages(items.toList()), null);
        var read = messages.getMessage(sent.getId());
        Error refused = null;
        try {
            messages.sendMessage(single, null);
        } catch (ApiException exception) {
            refused = ApiClient.createDefaultObjectMapper()
                .readValue(exception.getResponseBody(), Error.class);
        }

        System.out.println(ApiClient.createDefaultObjectMapper().writeValueAsString(Map.of(
            "created", batch.getCreatedCount(),
            "skipped", batch.getSkipped().stream().map(item -> item.getReason()).toList(),
            "status", read.getStatus(),
            "year", read.getCreatedAt().getYear(),
            "refused", refused.getCode())));
    }
}
