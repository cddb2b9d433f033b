package smsgate.core

import java.security.MessageDigest
import java.security.cert.CertificateException
import java.security.cert.X509Certificate
import javax.net.ssl.HttpsURLConnection
import javax.net.ssl.SSLContext
import javax.net.ssl.SSLSocketFactory
import javax.net.ssl.X509TrustManager

/**
 * Trusts one certificate, known by its SHA-256, and no other. Neither its name nor its dates count:
 * the pairing link said that it is the server's, and a phone's clock may be wrong by years.
 */
internal class PinnedTrust(private val sha256: String) {
  private val factory: SSLSocketFactory = SSLContext.getInstance("TLS")
    .apply { init(null, arrayOf(Manager()), null) }
    .socketFactory

  fun applyTo(connection: HttpsURLConnection) {
    connection.sslSocketFactory = factory
    connection.setHostnameVerifier { _, _ -> true }
  }

  private inner class Manager : X509TrustManager {
    override fun checkServerTrusted(chain: Array<X509Certificate>, authType: String) {
      if (fingerprint(chain[0]) != sha256) {
        throw CertificateException("this is not the server that the phone was paired with")
      }
    }

    override fun checkClientTrusted(chain: Array<X509Certificate>, authType: String) =
      throw CertificateException("a phone has no clients")

    override fun getAcceptedIssuers() = emptyArray<X509Certificate>()
  }

  private fun fingerprint(certificate: X509Certificate): String =
    MessageDigest.getInstance("SHA-256").digest(certificate.encoded)
      .joinToString("") { "%02x".format(it) }
}
