package smsgate.core

/** What [Agent.step] or [Agent.awaitWork] did. */
data class Step(
  val kind: StepKind,
  val details: List<Detail> = emptyList(),
  /** Monotonic milliseconds before which there is nothing to do, for IDLE and JOURNAL_FAILED. */
  val wakeAtMs: Long? = null,
  /** For STOPPED. */
  val stopReason: StopReason? = null,
  /** What the server or a library said of a failure, as it is: for experts. */
  val rawMessage: String = "",
) {
  constructor(kind: StepKind, vararg details: Detail) : this(kind, details.toList())

  constructor(reason: StopReason) :
    this(StepKind.STOPPED, listOf(Detail(reason.key)), stopReason = reason)

  /** A sync in which nothing went either way. */
  val isDull get() = kind == StepKind.SYNCED && details.all { it.values == listOf("0") }
}

enum class StepKind {
  /** After a crash or reboot: released and unknown ones were journaled. */
  RECOVERED,

  /** The radio's and the network's reports were journaled. */
  COLLECTED,

  /** Started 15 minutes ago, no answer: unknown. */
  GAVE_UP,

  /** Leased, and may not be started any more. */
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
enum class StopReason(val code: String, val key: TextKey) {
  NOT_PAIRED("not_paired", TextKey.NOT_PAIRED),

  /** The server no longer knows this phone. */
  UNAUTHORIZED("unauthorized", TextKey.UNAUTHORIZED),

  /** The journal was corrupt and is set aside. */
  JOURNAL_CORRUPT("journal_corrupt", TextKey.JOURNAL_CORRUPT),

  /** The journal was a copy: its original may have sent, since, what it holds. */
  JOURNAL_COPIED("journal_copied", TextKey.JOURNAL_COPIED),
  ;

  val isSetAside get() = this == JOURNAL_CORRUPT || this == JOURNAL_COPIED

  companion object {
    fun of(code: String?): StopReason? = entries.firstOrNull { it.code == code }
  }
}
