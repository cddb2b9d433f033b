package smsgate.app.sms

import android.app.Activity
import com.grack.nanojson.JsonParser
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import smsgate.app.Pdus
import smsgate.core.Report
import java.io.File
import kotlin.test.assertEquals
import kotlin.test.assertNull

@RunWith(RobolectricTestRunner::class)
class OutcomesTest {
  @Test
  fun `the codes are the protocol's`() {
    val file = File(System.getProperty("protocol"), "events.json")
    val codes = JsonParser.`object`().from(file.readText()).getObject("codes").getObject("android")
    assertEquals(codes.mapKeys { it.key.toInt() }, Outcomes.NAMES)
  }

  @Test
  fun `the radio's answers`() {
    assertEquals(Outcome(Report.Type.SENT), Outcomes.ofSent(Activity.RESULT_OK))
    assertEquals(Outcome(Report.Type.FAILED, "no_service"), Outcomes.ofSent(4))
  }

  @Test
  fun `the network's reports, as they come over the air`() {
    assertEquals(Outcome(Report.Type.DELIVERED), gsm(0x00))
    assertNull(gsm(0x20), "it is still trying")
    assertNull(gsm(0x3f))
    assertEquals(Outcome(Report.Type.UNDELIVERED, "other:70"), gsm(0x46))
  }

  private fun gsm(status: Int) = Outcomes.ofDelivery(Pdus.deliveryReport(status), "3gpp")

  @Test
  fun `CDMA has its own numbers`() {
    assertEquals(Outcome(Report.Type.DELIVERED), Outcomes.cdma(0x02 shl 16))
    assertNull(Outcomes.cdma((2 shl 24) or (4 shl 16)), "a temporary error")
    assertEquals(
      Outcome(Report.Type.UNDELIVERED, "other:5"),
      Outcomes.cdma((3 shl 24) or (5 shl 16)),
    )
  }

  @Test
  fun `what is no report says nothing`() {
    assertNull(Outcomes.ofDelivery(null, "3gpp"))
    assertNull(Outcomes.ofDelivery(byteArrayOf(1, 2), "3gpp"))
  }
}
