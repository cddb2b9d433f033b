package smsgate.core

import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.io.File
import java.net.InetAddress
import java.security.KeyStore
import java.security.MessageDigest
import javax.net.ssl.KeyManagerFactory
import javax.net.ssl.SSLContext
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith

/** A server with a certificate of its own making, for a name that nobody asks for, long expired. */
class PinnedTrustTest {
  @TempDir lateinit var folder: File

  @Test
  fun `exactly the certificate of the pairing link is trusted`() {
    val own = makeKey("own")
    serve(own) { url ->
      assertEquals(204, transport(url, fingerprint(own)).send(Request("GET", WAIT_PATH)).status)
      val other = fingerprint(makeKey("other"))
      assertFailsWith<TransportException> { transport(url, other).send(Request("GET", WAIT_PATH)) }
    }
  }

  @Test
  fun `without a fingerprint the system's trust decides`() {
    serve(makeKey("own")) { url ->
      assertFailsWith<TransportException> { transport(url, null).send(Request("GET", WAIT_PATH)) }
    }
  }

  private fun transport(url: String, pin: String?) = HttpTransport(url, pin, SystemClock, "test")

  private fun serve(keys: KeyStore, act: (String) -> Unit) {
    val managers = KeyManagerFactory.getInstance("SunX509").apply { init(keys, PASSWORD) }
    val context = SSLContext.getInstance("TLS").apply { init(managers.keyManagers, null, null) }
    val socket = context.serverSocketFactory
      .createServerSocket(0, 50, InetAddress.getLoopbackAddress())
    HttpServer(socket) { it.answer(204) }.use { act(it.url.replace("http:", "https:")) }
  }

  private fun makeKey(name: String): KeyStore {
    val file = File(folder, name)
    val keytool = File(System.getProperty("java.home"), "bin/keytool").path
    val exitCode = ProcessBuilder(
      keytool, "-genkeypair", "-alias", name, "-keyalg", "EC", "-dname", "CN=nobody",
      "-startdate", "2001/01/01 00:00:00", "-validity", "1", "-keystore", file.path,
      "-storetype", "PKCS12", "-storepass", String(PASSWORD),
    ).redirectErrorStream(true).redirectOutput(ProcessBuilder.Redirect.DISCARD).start().waitFor()
    assertEquals(0, exitCode)
    return KeyStore.getInstance(file, PASSWORD)
  }

  private fun fingerprint(keys: KeyStore): String {
    val certificate = keys.getCertificate(keys.aliases().nextElement())
    return MessageDigest.getInstance("SHA-256").digest(certificate.encoded)
      .joinToString("") { "%02x".format(it) }
  }

  private companion object {
    val PASSWORD = "password".toCharArray()
  }
}
