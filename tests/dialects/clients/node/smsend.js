// The vendor's Node.js sample, with the lines that it lost put back, and the query of a state.
// node smsend.js BASEURL USERNAME PASSWORD send RECIPIENT MESSAGE | state ORDER_ID
var [BASEURL, username, password, command, argument, message] = process.argv.slice(2);

var MESSAGE_HIGH_QUALITY = "N";

var request = require('request');

/**
 * Authenticates the user given it's username and password.  Callback
 * is called when completed. If error is false, then an authentication
 * object is passed to the callback as second parameter.
 */
function login(username, password, callback) {
    request({
        url: BASEURL + 'login?username=' + username + '&password=' + password,
        method: 'GET',
        callback: function (error, responseMeta, response) {
            if (!error && responseMeta.statusCode == 200) {
                var auth = response.split(';');
                callback(error, {
                    user_key : auth[0],
                    session_key : auth[1]
                });
            }
            else {
                callback(error || responseMeta.statusCode);
            }
        }
    });
}

/**
 * Sends an SMS message
 */
function sendSMS(auth, sendsms, callback) {
    request({
        url: BASEURL + 'sms',
        method: 'POST',
        headers: { 'user_key' : auth.user_key, 'Session_key' : auth.session_key },
        json: true,
        body:  sendsms,

        callback: function (error, responseMeta, response) {
            if (!error && responseMeta.statusCode == 201) {
                callback(response.result !== 'OK', response);
            }
            else {
                callback(error || responseMeta.statusCode);
            }
        }
    });
}

function getState(auth, order_id, callback) {
    request({
        url: BASEURL + 'sms/' + order_id,
        headers: { 'user_key' : auth.user_key, 'Session_key' : auth.session_key },
        json: true,
        callback: function (error, responseMeta, response) {
            callback(error || responseMeta.statusCode != 200, response);
        }
    });
}

function done(error, data) {
    if (error) {
        console.error("An error occurred", error);
        process.exit(1);
    }
    console.log(JSON.stringify(data));
}

var smsData = {
    "returnCredits": true,
    "recipient": [
        argument
    ],
    "scheduled_delivery_time": "20171223101010",
    "message": message,
    "message_type": MESSAGE_HIGH_QUALITY
};

login(username, password,
      function(error, auth) {
          if (error) {
              console.error("Unable to login", error);
              process.exit(1);
          }
          if (command == 'state') {
              getState(auth, argument, done);
          }
          else {
              sendSMS(auth, smsData, done);
          }
      });
