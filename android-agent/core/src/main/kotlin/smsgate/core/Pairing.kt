package smsgate.core

import java.net.URI
import java.net.URISyntaxException
import java.net.URLDecoder

/** Where to pair, with which one-time code, and whom to trust. */
data class Invitation(
  val baseUrl: String,
  val code: String,
  /** SHA-256 of the server's own certificate, 64 hex digits; null: the system's trust. */
  val pin: String? = null,
) {
  /** What the owner is shown before the phone pairs. */
  val host: String get() = baseUrl.substringAfter("://").substringBefore("/")

  companion object {
    /**
     * From `http(s)://HOST/pair/#CODE[~SHA256]`, from
     * `smsgate://pair?server=URL&code=CODE[&pin=SHA256]`, or from a bare `CODE[~SHA256]` with the
     * server beside it. Throws [PairingException].
     */
    fun read(linkOrCode: String, server: String? = null): Invitation {
      val link = linkOrCode.trim()
      val (found, code, pin) = when (link.substringBefore("://", "").lowercase()) {
        "http", "https" -> readPage(link)
        "smsgate" -> readSmsgate(link)
        else -> Found("", link.substringBefore("~"), link.substringAfter("~", ""))
      }
      if (code.isEmpty()) throw PairingException(TextKey.NO_CODE)
      val baseUrl = (server ?: found).trimEnd('/')
      if (!isAddress(baseUrl)) {
        throw PairingException(TextKey.NO_SERVER)
      }
      if (pin.isNotEmpty() && !PIN.matches(pin)) {
        throw PairingException(TextKey.LINK_DAMAGED)
      }
      return Invitation(baseUrl, code, pin.lowercase().ifEmpty { null })
    }

    private data class Found(val baseUrl: String, val code: String, val pin: String)

    private fun readPage(link: String): Found {
      val fragment = link.substringAfter("#", "")
      val page = link.substringBefore("#").substringBefore("?").trimEnd('/').removeSuffix("/pair")
      return Found(page, fragment.substringBefore("~"), fragment.substringAfter("~", ""))
    }

    private fun readSmsgate(link: String): Found {
      val query = link.substringAfter("?", "").substringBefore("#").split("&")
        .associate { it.substringBefore("=") to decode(it.substringAfter("=", "")) }
      return Found(query["server"].orEmpty(), query["code"].orEmpty(), query["pin"].orEmpty())
    }

    private fun decode(text: String): String =
      try {
        URLDecoder.decode(text, "UTF-8")
      } catch (_: IllegalArgumentException) {
        throw PairingException(TextKey.LINK_DAMAGED)
      }

    /** Nothing but scheme, host, port and path: else [host] would not be whom the phone talks to. */
    private fun isAddress(baseUrl: String): Boolean {
      val url = try {
        URI(baseUrl)
      } catch (_: URISyntaxException) {
        return false
      }
      return url.scheme in setOf("http", "https") && !url.host.isNullOrEmpty() &&
        (url.port == -1 || url.port in PORTS) &&
        url.rawUserInfo == null && url.rawQuery == null && url.rawFragment == null
    }

    private val PORTS = 1..65_535
    private val PIN = Regex("[0-9a-fA-F]{64}")
  }
}

/** Why it did not pair, and what a library or the server said of that. */
class PairingException(val detail: Detail, val rawMessage: String = "", cause: Throwable? = null) :
  Exception(if (rawMessage.isEmpty()) "$detail" else "$detail ($rawMessage)", cause) {
  constructor(key: TextKey) : this(Detail(key))
}

/**
 * Trades the invitation's code for a token and keeps it. Throws [PairingException]; the journal is
 * then unchanged. After an answer that was lost the same code may be tried again.
 */
fun pair(
  journal: Journal,
  transport: Transport,
  invitation: Invitation,
  device: Device,
): PairReply {
  if (journal.stopReason?.isSetAside == true) {
    throw PairingException(TextKey.SET_ASIDE)
  }
  val known = journal.baseUrl
  if (known != null && known != invitation.baseUrl) {
    throw PairingException(Detail(TextKey.OTHER_SERVER, known))
  }
  val reply = try {
    transport.send(Request("POST", PAIR_PATH, body = introduce(journal, invitation, device)))
  } catch (error: TransportException) {
    throw unanswered(invitation.host, error)
  }
  if (reply.status != 201) throw refused(invitation.host, reply)
  val paired = try {
    readPair(reply.body)
  } catch (error: BadReplyException) {
    val detail = Detail(TextKey.NOT_SMSGATE, invitation.host)
    throw PairingException(detail, error.message.orEmpty(), error)
  }
  journal.storePairing(invitation, paired)
  return paired
}

private fun unanswered(host: String, error: TransportException): PairingException {
  val detail = when (error.key) {
    TextKey.NO_ANSWER -> Detail(TextKey.HOST_SILENT, host)
    TextKey.UNTRUSTED -> Detail(TextKey.HOST_UNTRUSTED, host)
    else -> return PairingException(Detail(error.key), cause = error)
  }
  return PairingException(detail, error.message.orEmpty(), error)
}

private fun refused(host: String, reply: Reply): PairingException {
  val problem = readProblem(reply.body)
  if (problem.code == "pairing_code_invalid") return PairingException(TextKey.CODE_INVALID)
  return PairingException(Detail(TextKey.HOST_REFUSED, host, reply.status), problem.message)
}

private fun introduce(journal: Journal, invitation: Invitation, device: Device): String =
  encodeJson(
    mapOf(
      "code" to invitation.code,
      "install_id" to journal.installId(),
      "name" to device.name,
      "android" to device.android,
      "app_version" to device.appVersion,
      "sims" to device.sims().map { it.asJson() },
    ),
  )
