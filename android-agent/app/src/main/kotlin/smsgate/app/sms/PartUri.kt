package smsgate.app.sms

import android.net.Uri
import smsgate.core.Sms

/**
 * Names one part of one attempt of one install, so that no two PendingIntents are the same to Android
 * and a report that comes late still says what it is about.
 */
data class PartUri(
  val install: String,
  val messageId: Long,
  val attempt: Int,
  val part: Int,
  val parts: Int,
) {
  constructor(install: String, sms: Sms, part: Int) :
    this(install, sms.messageId, sms.attempt, part, sms.parts)

  fun toUri(): Uri = Uri.Builder().scheme(SCHEME).authority(install)
    .appendPath("$messageId").appendPath("$attempt").appendPath("$part").appendPath("$parts")
    .build()

  companion object {
    private const val SCHEME = "smsgate-part"

    /** Null for what no sender of ours has made. */
    fun read(uri: Uri?): PartUri? {
      val path = uri?.pathSegments.orEmpty().map { it.toLongOrNull() ?: return null }
      if (uri?.scheme != SCHEME || path.size != 4) return null
      val (messageId, attempt, part, parts) = path
      val install = uri.authority.orEmpty()
      return PartUri(install, messageId, attempt.toInt(), part.toInt(), parts.toInt())
    }
  }
}
