// The vendor's Java sample, with the lines that it lost put back, and the query of a state.
// java Smsend BASEURL USERNAME PASSWORD send RECIPIENT MESSAGE MINUTES | state ORDER_ID
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.HttpURLConnection;
import java.net.URL;
import java.util.ArrayList;
import java.util.Date;
import java.util.List;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;

public class Smsend {
    public static String BASEURL;
    public static final String MESSAGE_HIGH_QUALITY = "N";

    public static void main(String[] args) throws IOException {
        BASEURL = args[0];
        String[] authKeys = login(args[1], args[2]);
        if (args[3].equals("state")) {
            System.out.println(getState(authKeys, args[4]));
            return;
        }
        SendSMSRequest sendSMS = new SendSMSRequest();
        sendSMS.setMessage(args[5]);
        sendSMS.addRecipient(args[4]);
        sendSMS.setScheduledDeliveryTime(
            new Date(System.currentTimeMillis() + (60000L * Long.parseLong(args[6]))));
        System.out.println(new Gson().toJson(sendSMS(authKeys, sendSMS)));
    }

    /**
     * This object is used to create an SMS message sending request.
     * The JSon object is then automatically created
     * starting from an instance of this class, using GSon.
     */
    public static class SendSMSRequest {
        // The message body
        private String message;
        // The message type
        private String message_type = MESSAGE_HIGH_QUALITY;
        // Should the API return the remaining credits?
        private boolean returnCredits = false;
        // The list of recipients
        private List<String> recipient = new ArrayList<>();
        // The sender Alias (TPOA)
        private String sender = null;
        // Postpone the SMS message sending to the specified date
        private Date scheduled_delivery_time = null;

        public void setMessage(String message) {
            this.message = message;
        }

        public void setScheduledDeliveryTime(Date scheduled_delivery_time) {
            this.scheduled_delivery_time = scheduled_delivery_time;
        }

        public void addRecipient(String recipient) {
            this.recipient.add(recipient);
        }
    }

    /**
     * This class represents the API Response.
     * It is automatically created starting from the JSON object
     * returned by the server, using GSon
     */
    public static class SendSMSResponse {
        private String result;
        private String order_id;
        private int total_sent;
        private int remaining_credits;
        private String internal_order_id;

        public boolean isValid() {
            return "OK".equals(result);
        }
    }

    /** Authenticates the user given it's username and password. */
    private static String[] login(String username, String password) throws IOException {
        URL url = new URL(BASEURL + "/login?username=" + username + "&password=" + password);
        HttpURLConnection conn = (HttpURLConnection) url.openConnection();
        conn.setRequestMethod("GET");
        return read(conn, 200).split(";");
    }

    /** Sends an SMS message */
    private static SendSMSResponse sendSMS(String[] authKeys, SendSMSRequest sendSMS)
            throws IOException {
        GsonBuilder builder = new GsonBuilder();
        Gson gson = builder.create();

        HttpURLConnection conn = open(authKeys, "/sms");
        conn.setRequestMethod("POST");
        conn.setDoOutput(true);

        String payload = gson.toJson(sendSMS);

        OutputStream os = conn.getOutputStream();
        os.write(payload.getBytes("UTF-8"));
        os.flush();

        SendSMSResponse responseObj = gson.fromJson(read(conn, 201), SendSMSResponse.class);
        if (!responseObj.isValid()) {
            throw new RuntimeException("Failed : " + responseObj.result);
        }
        return responseObj;
    }

    private static String getState(String[] authKeys, String orderId) throws IOException {
        return read(open(authKeys, "/sms/" + orderId), 200);
    }

    private static HttpURLConnection open(String[] authKeys, String path) throws IOException {
        HttpURLConnection conn = (HttpURLConnection) new URL(BASEURL + path).openConnection();
        // Sending an SMS requires authentication
        conn.setRequestProperty("user_key", authKeys[0]);
        conn.setRequestProperty("Session_key", authKeys[1]);
        conn.setRequestProperty("Accept", "application/json");
        conn.setRequestProperty("Content-type", "application/json");
        return conn;
    }

    private static String read(HttpURLConnection conn, int expected) throws IOException {
        if (conn.getResponseCode() != expected) {
            throw new RuntimeException("Failed : HTTP error code : " + conn.getResponseCode());
        }
        BufferedReader br =
            new BufferedReader(new InputStreamReader(conn.getInputStream(), "UTF-8"));
        String response = "";
        String output;
        while ((output = br.readLine()) != null) {
            response += output;
        }
        conn.disconnect();
        return response;
    }
}
