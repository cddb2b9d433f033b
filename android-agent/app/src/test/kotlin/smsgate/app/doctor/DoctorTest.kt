package smsgate.app.doctor

import org.junit.Test
import smsgate.app.sms.SimCard
import smsgate.core.Detail
import smsgate.core.StopReason
import smsgate.core.TextKey
import java.time.Duration
import kotlin.test.assertEquals
import kotlin.test.assertNull
import kotlin.test.assertTrue

class DoctorTest {
  private val card = SimCard(0, 1, "Play", "sub:1")
  private val healthy = Facts(
    stopReason = null,
    host = "sms.example.com",
    journalError = null,
    maySend = true,
    mayReceive = true,
    mayReadPhoneState = true,
    mayNotify = true,
    mayBeRestricted = true,
    isBatteryExempt = true,
    cards = listOf(card),
    unknownCards = emptyList(),
    hasDefaultSim = true,
    failing = emptySet(),
    smsLimit = SmsLimit(30, 60_000),
    network = "wifi",
    skew = Duration.ofSeconds(3),
    silence = Duration.ofMinutes(1),
    leased = 0,
    isPaused = false,
  )

  private fun Facts.find(check: Check) = examine(this).firstOrNull { it.check == check }

  private fun Facts.says(check: Check, level: Level, fix: Fix? = null) {
    val finding = find(check)
    assertEquals(level, finding?.level, "$check")
    assertEquals(fix, finding?.fix, "$check")
  }

  @Test
  fun `a healthy phone has nothing to complain of`() =
    assertTrue(examine(healthy).all { it.level == Level.GOOD && it.fix == null })

  @Test
  fun `each permission has its remedy`() {
    healthy.copy(maySend = false).says(Check.SEND_SMS, Level.BAD, Fix.ASK_SEND_SMS)
    healthy.copy(mayReceive = false).says(Check.RECEIVE_SMS, Level.WARN, Fix.ASK_RECEIVE_SMS)
    healthy.copy(mayReadPhoneState = false)
      .says(Check.PHONE_STATE, Level.BAD, Fix.ASK_PHONE_STATE)
    healthy.copy(mayNotify = false).says(Check.NOTIFICATIONS, Level.WARN, Fix.ASK_NOTIFICATIONS)
    healthy.copy(isBatteryExempt = false).says(Check.BATTERY, Level.BAD, Fix.BATTERY)
  }

  @Test
  fun `a SIM that cannot send is named, and can be tried at once`() {
    healthy.copy(failing = setOf(1)).says(Check.SIM_SENDS, Level.BAD, Fix.SYNC)
    assertEquals("2", healthy.copy(failing = setOf(1)).find(Check.SIM_SENDS)?.value)
    assertNull(healthy.find(Check.SIM_SENDS))
  }

  @Test
  fun `restricted settings are spoken of only where they can be the reason`() {
    assertNull(healthy.find(Check.RESTRICTED))
    healthy.copy(maySend = false).says(Check.RESTRICTED, Level.WARN, Fix.APP_INFO)
    assertNull(healthy.copy(maySend = false, mayBeRestricted = false).find(Check.RESTRICTED))
  }

  @Test
  fun `a card that was moved must be confirmed`() {
    val moved = healthy.copy(unknownCards = listOf(card))
    moved.says(Check.SIM, Level.WARN, Fix.LEARN_SIM)
    assertEquals("SIM 1", moved.find(Check.SIM)?.value)
    healthy.copy(cards = emptyList()).says(Check.SIM, Level.BAD, Fix.NETWORK)
  }

  @Test
  fun `two cards want a choice`() {
    val two = healthy.copy(cards = listOf(card, card.copy(slot = 1)))
    two.says(Check.DEFAULT_SIM, Level.GOOD)
    two.copy(hasDefaultSim = false).says(Check.DEFAULT_SIM, Level.WARN, Fix.CHOOSE_SIM)
    assertNull(healthy.copy(hasDefaultSim = false).find(Check.DEFAULT_SIM))
  }

  @Test
  fun `Android's limit must leave room for our pace`() {
    healthy.copy(smsLimit = SmsLimit(24, 60_000)).says(Check.SMS_LIMIT, Level.GOOD)
    healthy.copy(smsLimit = SmsLimit(30, 1_800_000)).says(Check.SMS_LIMIT, Level.BAD, Fix.SMS_LIMIT)
    assertNull(healthy.copy(smsLimit = null).find(Check.SMS_LIMIT))
    assertEquals(10_000 * 60_000L, SmsLimit(10_000, 0).perMinute)
  }

  @Test
  fun `silence is noticed after three missed calls`() {
    healthy.copy(silence = Duration.ofMinutes(45)).says(Check.LAST_SYNC, Level.GOOD)
    val silent = healthy.copy(silence = Duration.ofMinutes(46))
    silent.says(Check.LAST_SYNC, Level.BAD, Fix.SYNC)
    silent.copy(network = "none").says(Check.LAST_SYNC, Level.BAD, Fix.NETWORK)
    assertNull(healthy.copy(silence = null).find(Check.LAST_SYNC))
    healthy.copy(network = "none").says(Check.NETWORK, Level.BAD, Fix.NETWORK)
  }

  @Test
  fun `a wrong clock is only a warning, in either direction`() {
    healthy.copy(skew = Duration.ofDays(3650)).says(Check.CLOCK, Level.WARN, Fix.DATE)
    healthy.copy(skew = Duration.ofMinutes(-3)).says(Check.CLOCK, Level.WARN, Fix.DATE)
    assertNull(healthy.copy(skew = null).find(Check.CLOCK))
  }

  @Test
  fun `what stands still says so`() {
    healthy.copy(isPaused = true, leased = 3).says(Check.QUEUE, Level.WARN, Fix.RESUME)
    healthy.copy(journalError = Detail(TextKey.DISK_FULL))
      .says(Check.JOURNAL, Level.BAD, Fix.STORAGE)
    healthy.copy(journalError = Detail(TextKey.JOURNAL_NEWER)).says(Check.JOURNAL, Level.BAD)
    val stopped = healthy.copy(stopReason = StopReason.UNAUTHORIZED)
    stopped.says(Check.PAIRED, Level.BAD, Fix.PAIR)
    assertNull(stopped.find(Check.LAST_SYNC))
  }
}
