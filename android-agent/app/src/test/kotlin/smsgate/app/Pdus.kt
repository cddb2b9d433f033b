package smsgate.app

/** SMS as they come over the air (3GPP TS 23.040), from and to +48 601 234 567. */
object Pdus {
  private const val ADDRESS = "0B918406214365F7"
  private const val TIME = "62302001510004"

  fun inbound(text: String): ByteArray {
    val body = text.toByteArray(Charsets.UTF_16BE)
    return bytes("0004${ADDRESS}0008$TIME%02X".format(body.size)) + body
  }

  fun deliveryReport(status: Int): ByteArray = bytes("000601$ADDRESS$TIME$TIME%02X".format(status))

  private fun bytes(hex: String) =
    hex.chunked(2).map { it.toInt(16).toByte() }.toByteArray()
}
