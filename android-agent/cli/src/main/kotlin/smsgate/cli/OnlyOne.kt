package smsgate.cli

import java.io.File
import java.io.IOException
import java.nio.channels.FileChannel
import java.nio.file.StandardOpenOption.CREATE
import java.nio.file.StandardOpenOption.WRITE

/**
 * One program at a time per journal: two that shared it would send everything twice. Holds
 * `<journal>.lock`, which the system lets go of when the process dies, however it does.
 */
fun <T> onlyOne(journal: File, act: () -> T): T =
  FileChannel.open(File("$journal.lock").toPath(), CREATE, WRITE).use { channel ->
    channel.tryLock() ?: throw IOException("another phone is running with $journal")
    act()
  }
