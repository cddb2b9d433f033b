package smsgate.core

/** A message that the server leased to this phone, which may start it until [startBeforeMs]. */
data class LeasedMessage(
  val messageId: Long,
  val attempt: Int,
  val phone: String,
  val text: String,
  /** The slot; null: the default one. */
  val sim: Int?,
  val priority: Int,
  /** By the monotonic clock. */
  val startBeforeMs: Long,
) {
  val key get() = AttemptKey(messageId, attempt)
}

data class AttemptKey(val messageId: Long, val attempt: Int)

/** A state of an attempt, by the server's name; [stored] is the word in the journal's file. */
enum class AttemptState(val stored: String) {
  LEASED("held"),
  SENDING("started"),
  ANSWERED("done"),
  UNCERTAIN("unknown"),
  RELEASED("released"),
  ;

  companion object {
    fun of(stored: String): AttemptState = entries.first { it.stored == stored }
  }
}
