package smsgate.core

/** What [Agent.step] or [Agent.awaitWork] did. */
data class Step(
  val did: Did,
  val detail: String = "",
  /** Monotonic milliseconds before which there is nothing to do, for IDLE and JOURNAL_FAILED. */
  val wakeAtMs: Long? = null,
) {
  constructor(reason: StopReason) : this(Did.STOPPED, reason.code)
}

enum class Did {
  /** After a crash or reboot: released and unknown ones were journaled. */
  RECOVERED,

  /** The radio's and the network's words were journaled. */
  COLLECTED,

  /** Started 15 minutes ago, no answer: unknown. */
  GAVE_UP,

  /** Held, and may not be started any more. */
  RELEASED,
  SYNCED,
  SYNC_FAILED,

  /** One message was started. */
  SENT,

  /** Nothing to do before [Step.wakeAtMs]. */
  IDLE,

  /** Nothing to do until the owner decides; [Step.detail] is the code of a [StopReason]. */
  STOPPED,

  /** The disk refused; nothing was started. */
  JOURNAL_FAILED,

  /** The long poll: there is something to claim. */
  READY,

  /** The long poll: nothing. */
  QUIET,
}

/** Why a phone does nothing until its owner decides. */
enum class StopReason(val code: String) {
  NOT_PAIRED("not_paired"),

  /** The server no longer knows this phone. */
  UNAUTHORIZED("unauthorized"),

  /** The journal was corrupt and is set aside. */
  JOURNAL_CORRUPT("journal_corrupt"),

  /** The journal was a copy: its original may have sent, since, what it holds. */
  JOURNAL_COPIED("journal_copied"),
  ;

  val isSetAside get() = this == JOURNAL_CORRUPT || this == JOURNAL_COPIED

  companion object {
    fun of(code: String?): StopReason? = entries.firstOrNull { it.code == code }
  }
}
