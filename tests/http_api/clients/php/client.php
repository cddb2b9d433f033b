<?php
// PHP's curl and streams as they come.
[, $url, $key, $single, $bulk, $chunked, $how] = $argv;
$headers = ["X-License-Key: $key", "Content-Type: application/json"];

function by_curl($url, $headers, $body, $in_chunks) {
    $curl = curl_init($url);
    curl_setopt_array($curl, [CURLOPT_RETURNTRANSFER => true, CURLOPT_HTTPHEADER => $headers]);
    if ($in_chunks) {
        $stream = fopen("data://text/plain;base64," . base64_encode($body), "r");
        curl_setopt_array($curl, [
            CURLOPT_UPLOAD => true, CURLOPT_CUSTOMREQUEST => "POST", CURLOPT_INFILE => $stream,
            CURLOPT_HTTP_VERSION => CURL_HTTP_VERSION_2_0,
        ]);
    } else {
        curl_setopt_array($curl, [CURLOPT_POST => true, CURLOPT_POSTFIELDS => $body]);
    }
    curl_exec($curl);
    return curl_getinfo($curl, CURLINFO_RESPONSE_CODE);
}

function by_stream($url, $headers, $body, $in_chunks) {
    $context = stream_context_create(["http" => [
        "method" => "POST", "header" => $headers, "content" => $body, "ignore_errors" => true,
    ]]);
    file_get_contents($url, false, $context);
    return explode(" ", $http_response_header[0])[1];
}

foreach ([["", $single, false], ["bulk/", $bulk, false], ["", $chunked, true]] as [$path, $body, $in_chunks]) {
    echo $how("$url/api/messages/$path", $headers, $body, $in_chunks), "\n";
}
