package smsgate.core

/** The radio: hands texts to the modem and tells what became of them. */
interface SmsSender {
  /**
   * Why nothing can be sent through this SIM now (`no_service`, `no_sim`, `no_permission`…), or
   * null. What is leased waits, and goes back to the server when its lease is over.
   */
  fun blocked(sim: Int?): String?

  /** The slot that a message for this SIM goes through; null is the default one. */
  fun slot(sim: Int?): Int

  /** How many SMS the modem behind this slot makes of this text. */
  fun countParts(text: String, sim: Int): Int = smsgate.core.countParts(text)

  /**
   * Hands a text to the modem. What surely did not go is a [Report] like any other; whatever it throws
   * means that nobody knows, and the agent says `unknown` after a quarter of an hour.
   */
  fun send(sms: Sms)

  /** What has become known since the last call. Each report is handed out once. */
  fun reports(): List<Report>

  /**
   * Monotonic milliseconds at which it is worth asking for reports again; null where they call the
   * phone themselves ([WakeUp]) or none is awaited.
   */
  fun nextReportAtMs(): Long? = null
}

/** What the radio is asked to send. */
data class Sms(
  val messageId: Long,
  val attempt: Int,
  val phone: String,
  val text: String,
  val parts: Int,
  /** The slot. */
  val sim: Int,
)

/** The radio's (sent, failed) or the network's (delivered, undelivered) report on one part. */
data class Report(
  val messageId: Long,
  val attempt: Int,
  /** From 1. */
  val part: Int,
  val parts: Int,
  val type: Type,
  /** Android's result name in lower case. */
  val code: String? = null,
) {
  enum class Type(val wire: String, internal val key: TextKey) {
    SENT("part_sent", TextKey.SENT),
    FAILED("part_failed", TextKey.FAILED),
    DELIVERED("part_delivered", TextKey.DELIVERED),
    UNDELIVERED("part_undelivered", TextKey.UNDELIVERED),
  }
}
