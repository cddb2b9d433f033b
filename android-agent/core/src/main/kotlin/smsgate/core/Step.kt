package smsgate.core

/** What [Agent.step] or [Agent.awaitWork] did. */
data class Step(
  val did: Did,
  val details: List<Detail> = emptyList(),
  /** Monotonic milliseconds before which there is nothing to do, for IDLE and JOURNAL_FAILED. */
  val wakeAtMs: Long? = null,
  /** For STOPPED. */
  val stopReason: StopReason? = null,
  /** What the server or a library said of a failure, in its own words: for experts. */
  val said: String = "",
) {
  constructor(did: Did, vararg details: Detail) : this(did, details.toList())

  constructor(reason: StopReason) :
    this(Did.STOPPED, listOf(Detail(reason.word)), stopReason = reason)

  /** A sync in which nothing went either way. */
  val isDull get() = did == Did.SYNCED && details.all { it.values == listOf("0") }
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

  /** Nothing to do until the owner decides. */
  STOPPED,

  /** The disk refused; nothing was started. */
  JOURNAL_FAILED,

  /** The long poll: there is something to claim. */
  READY,

  /** The long poll: nothing. */
  QUIET,
}

/** Why a phone does nothing until its owner decides. */
enum class StopReason(val code: String, val word: Word) {
  NOT_PAIRED("not_paired", Word.NOT_PAIRED),

  /** The server no longer knows this phone. */
  UNAUTHORIZED("unauthorized", Word.UNAUTHORIZED),

  /** The journal was corrupt and is set aside. */
  JOURNAL_CORRUPT("journal_corrupt", Word.JOURNAL_CORRUPT),

  /** The journal was a copy: its original may have sent, since, what it holds. */
  JOURNAL_COPIED("journal_copied", Word.JOURNAL_COPIED),
  ;

  val isSetAside get() = this == JOURNAL_CORRUPT || this == JOURNAL_COPIED

  companion object {
    fun of(code: String?): StopReason? = entries.firstOrNull { it.code == code }
  }
}
