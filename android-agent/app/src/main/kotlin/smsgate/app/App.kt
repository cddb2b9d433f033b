package smsgate.app

import android.app.Application
import android.content.Context

/** One process, one [Phone]; made when it is first asked for, so that a test can give another. */
class App : Application() {
  private var made: Phone? = null

  var phone: Phone
    @Synchronized get() = made ?: Phone(this).also { made = it }

    @Synchronized set(value) {
      made = value
    }
}

val Context.phone: Phone get() = (applicationContext as App).phone
