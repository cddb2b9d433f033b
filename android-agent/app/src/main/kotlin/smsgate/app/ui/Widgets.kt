package smsgate.app.ui

import android.app.Activity
import android.content.Context
import android.content.res.ColorStateList
import android.view.LayoutInflater
import android.view.View
import android.view.ViewGroup
import android.widget.ImageView
import android.widget.TextView
import smsgate.app.R
import smsgate.app.doctor.Level
import java.time.Duration

/** A view that the layout surely has. Android's own `requireViewById` is not on every phone. */
fun <T : View> View.part(id: Int): T = checkNotNull(findViewById(id)) { "no such view" }

fun <T : View> Activity.part(id: Int): T = window.decorView.part(id)

fun ViewGroup.inflate(layout: Int): View =
  LayoutInflater.from(context).inflate(layout, this, false)

/** Adds one more of this layout; returns it. */
fun ViewGroup.add(layout: Int): View = inflate(layout).also(::addView)

fun View.text(id: Int, text: CharSequence) {
  part<TextView>(id).text = text
}

/** Sets the text, or hides the view when there is none. */
fun View.textOrGone(id: Int, text: CharSequence?) {
  part<TextView>(id).apply {
    this.text = text
    visibility = if (text.isNullOrEmpty()) View.GONE else View.VISIBLE
  }
}

fun View.icon(id: Int, drawable: Int, color: Int) {
  part<ImageView>(id).apply {
    setImageResource(drawable)
    imageTintList = ColorStateList.valueOf(context.getColor(color))
  }
}

fun View.isShown(isShown: Boolean) {
  visibility = if (isShown) View.VISIBLE else View.GONE
}

fun iconOf(level: Level) = when (level) {
  Level.GOOD -> R.drawable.ic_good
  Level.WARN -> R.drawable.ic_warn
  Level.BAD -> R.drawable.ic_bad
}

fun colorOf(level: Level) = when (level) {
  Level.GOOD -> R.color.good
  Level.WARN -> R.color.warn
  Level.BAD -> R.color.bad
}

fun ago(context: Context, since: Duration?): String {
  val minutes = (since ?: return context.getString(R.string.never)).toMinutes().toInt()
  if (minutes < 1) return context.getString(R.string.just_now)
  return context.resources.getQuantityString(R.plurals.minutes_ago, minutes, minutes)
}
