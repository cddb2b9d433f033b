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
      if (code.isEmpty()) throw PairingException("the link has no code in it: copy it whole")
      val baseUrl = (server ?: found).trimEnd('/')
      if (!isAddress(baseUrl)) {
        throw PairingException("say which server: a whole link, or a code and http(s)://HOST")
      }
      if (pin.isNotEmpty() && !PIN.matches(pin)) {
        throw PairingException("the end of the link is damaged: copy it whole")
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
        throw PairingException("the link is damaged: copy it whole")
      }

    private fun isAddress(baseUrl: String): Boolean {
      val url = try {
        URI(baseUrl)
      } catch (_: URISyntaxException) {
        return false
      }
      return url.scheme in setOf("http", "https") && !url.host.isNullOrEmpty() && url.port != 0
    }

    private val PIN = Regex("[0-9a-fA-F]{64}")
  }
}

/** One sentence that says why it did not pair. */
class PairingException(message: String, cause: Throwable? = null) : Exception(message, cause)

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
    throw PairingException("the journal was set aside: decide first how to go on")
  }
  val known = journal.baseUrl
  if (known != null && known != invitation.baseUrl) {
    throw PairingException("this phone belongs to $known: reset it first")
  }
  val reply = try {
    transport.send(Request("POST", PAIR_PATH, body = introduce(journal, invitation, device)))
  } catch (error: CleartextException) {
    throw PairingException("${invitation.host}: ${error.message}", error)
  } catch (error: TransportException) {
    throw PairingException("${invitation.host} did not answer (${error.message})", error)
  }
  if (reply.status != 201) {
    val why = readProblem(reply.body).ifEmpty { reply.status.toString() }
    throw PairingException("${invitation.host} refused: $why")
  }
  val paired = try {
    readPair(reply.body)
  } catch (error: BadReplyException) {
    throw PairingException("${invitation.host} does not answer like smsgate ($error)", error)
  }
  journal.storePairing(invitation, paired)
  return paired
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
