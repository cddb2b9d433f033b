-- name: reserve
-- Count up each day as `insert_counted` of messaging/inserts.sql does one; a day that is not returned
-- has no room. A usage row is locked until the transaction ends.
INSERT INTO licenses_dailyusage AS usage (account_id, day, used)
SELECT %(account_id)s, day, number
FROM unnest(%(days)s::date[], %(numbers)s::int[]) AS wanted(day, number)
WHERE number <= %(max_daily_sms)s
ORDER BY day
ON CONFLICT (account_id, day) DO UPDATE SET used = usage.used + EXCLUDED.used
WHERE usage.used + EXCLUDED.used <= %(max_daily_sms)s
RETURNING day, used

-- name: used
SELECT day, used FROM licenses_dailyusage WHERE account_id = %(account_id)s AND day = %(day)s
