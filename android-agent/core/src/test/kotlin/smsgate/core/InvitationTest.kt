package smsgate.core

import org.junit.jupiter.api.Test
import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.CsvSource
import org.junit.jupiter.params.provider.ValueSource
import kotlin.test.assertEquals
import kotlin.test.assertFailsWith

class InvitationTest {
  @ParameterizedTest
  @CsvSource(
    "http://host:8000/pair/#AB-CD,,http://host:8000,AB-CD",
    "https://host/sms/pair#AB-CD,,https://host/sms,AB-CD",
    "smsgate://pair?server=https%3A%2F%2Fhost&code=AB-CD,,https://host,AB-CD",
    "AB-CD,https://host/,https://host,AB-CD",
    "'  https://host/pair/#AB-CD ',,https://host,AB-CD",
    "http://host/pair/#AB-CD,https://other,https://other,AB-CD",
    "https://[::1]:8000/pair/#AB-CD,,https://[::1]:8000,AB-CD",
  )
  fun `it reads links and codes`(link: String, server: String?, baseUrl: String, code: String) {
    assertEquals(Invitation(baseUrl, code), Invitation.read(link, server))
  }

  @ParameterizedTest
  @ValueSource(
    strings = [
      "", "AB-CD", "http://host/pair/", "smsgate://pair?code=AB", "https:///pair/#AB",
      "ftp://host/pair/#AB", "smsgate://pair?server=%zz&code=AB", "https://host/pair/#AB~12",
      "https://ho st/pair/#AB", "https://host:0/pair/#AB",
      "https://host:65536/pair/#AB", "https://known.example@evil.example/pair/#AB",
      "smsgate://pair?server=https://evil.example?known.example&code=AB",
      "smsgate://pair?server=https://evil.example%23known.example&code=AB",
    ],
  )
  fun `it refuses half a link`(link: String) {
    assertFailsWith<PairingException> { Invitation.read(link) }
  }

  @Test
  fun `a link names the one certificate to trust`() {
    val pin = "0123456789abcdef".repeat(4)
    val expected = Invitation("https://10.0.0.2:8000", "AB-CD", pin)
    assertEquals(expected, Invitation.read("https://10.0.0.2:8000/pair/#AB-CD~${pin.uppercase()}"))
    assertEquals(
      expected,
      Invitation.read("smsgate://pair?server=https://10.0.0.2:8000&code=AB-CD&pin=$pin"),
    )
    assertEquals(expected, Invitation.read("AB-CD~$pin", "https://10.0.0.2:8000"))
  }

  @Test
  fun `the host is what the owner is shown`() {
    assertEquals("host:8000", Invitation.read("https://host:8000/sms/pair/#AB").host)
  }
}
