package smsgate.core

/**
 * One thing to say, as data: the app has its words for each [key] in each language, a laptop and an
 * expert read [toString].
 */
data class Detail(val key: TextKey, val values: List<String> = emptyList()) {
  constructor(key: TextKey, vararg values: Any) : this(key, values.map(Any::toString))

  override fun toString(): String = key.english.format(*values.toTypedArray())
}

/** All that the core has to say; the values stand in the order in which [english] has them. */
enum class TextKey(val english: String) {
  /** What others have said: a host, a code of Android's that is new to us. */
  TEXT("%s"),

  // What a step did, and to which message.
  NEW("%s new"),
  ACKED("%s acked"),
  RELEASED("%s released"),
  UNKNOWN("%s unknown"),
  MESSAGE("message %s"),
  ATTEMPT("message %s, attempt %s"),
  SENT("message %s sent"),
  FAILED("message %s failed"),
  DELIVERED("message %s delivered"),
  UNDELIVERED("message %s undelivered"),

  // Why a message was given back.
  WINDOW_CLOSED("its time was over"),
  PAUSED("paused by the owner"),
  LIMIT_EXCEEDED("the SIM has had its day's parts"),
  NO_PERMISSION("no permission to send"),
  NO_SIM("no such SIM"),
  NO_SERVICE("no service"),
  RADIO_OFF("the radio is off"),
  JOURNAL_FULL("the journal could not be written"),
  SIM_FAILING("the SIM cannot send"),

  // What became of a SIM.
  SIM_PAUSED("SIM %s cannot send: it is paused"),
  SIM_RESUMED("SIM %s can send again"),

  // Why a call failed, and when the next is made.
  NO_ANSWER("no answer"),
  UNTRUSTED("no secure connection"),
  BARRED("this app may not use the network"),
  CLEARTEXT("http is not encrypted and reaches only this machine: use an https link"),
  BAD_REPLY("an answer that cannot be read"),
  STATUS("answer %s"),
  AGAIN("again in %s s"),

  // What the storage refuses.
  DISK_FULL("the disk is full"),
  DISK_REFUSES("the disk refuses"),
  JOURNAL_NEWER("a newer version wrote the journal: run that version"),

  // Why the phone has stopped.
  NOT_PAIRED("not paired"),
  UNAUTHORIZED("the server no longer knows this phone"),
  JOURNAL_CORRUPT("the journal was corrupt"),
  JOURNAL_COPIED("the journal is a copy"),

  // Why it did not pair.
  NO_CODE("the link has no code in it: copy it whole"),
  NO_SERVER("say which server: a whole link, or a code and http(s)://HOST"),
  LINK_DAMAGED("the link is damaged: copy it whole"),
  SET_ASIDE("the journal was set aside: decide first how to go on"),
  OTHER_SERVER("this phone belongs to %s: reset it first"),
  HOST_SILENT("%s did not answer"),
  HOST_UNTRUSTED("no secure connection with %s"),
  CODE_INVALID("the code is wrong, used or expired: ask for a new one"),
  HOST_REFUSED("%s refused: answer %s"),
  NOT_SMSGATE("%s does not answer like smsgate"),
  ;

  /** How many values it takes. */
  val places get() = english.split("%s").size - 1

  companion object {
    fun of(name: String): TextKey? = entries.firstOrNull { it.name == name }

    /** Why a message was given back, from the protocol's code; a phone may have others than these. */
    internal fun ofReason(code: String): Detail =
      REASONS.firstOrNull { it.name.equals(code, ignoreCase = true) }?.let { Detail(it) }
        ?: Detail(TEXT, code)

    private val REASONS = listOf(
      WINDOW_CLOSED, PAUSED, LIMIT_EXCEEDED, NO_PERMISSION, NO_SIM, NO_SERVICE, RADIO_OFF,
      JOURNAL_FULL, SIM_FAILING,
    )
  }
}
