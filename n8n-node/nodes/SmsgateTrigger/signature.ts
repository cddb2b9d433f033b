import { createHmac, timingSafeEqual } from 'node:crypto';

const TOLERANCE_SECONDS = 300;

/** Return whether smsgate sent it, and sent it now, as Standard Webhooks says. */
export function isGenuine(
	secret: string,
	headers: Record<string, string | string[] | undefined>,
	body: Buffer,
	now = Date.now() / 1000,
): boolean {
	const id = headers['webhook-id'];
	const timestamp = headers['webhook-timestamp'];
	const signatures = String(headers['webhook-signature'] ?? '').split(' ');
	if (!(Math.abs(now - Number(timestamp)) <= TOLERANCE_SECONDS)) return false; // also where it is no number
	const digest = createHmac('sha256', Buffer.from(secret.replace(/^whsec_/, ''), 'base64'))
		.update(`${id}.${timestamp}.`)
		.update(body)
		.digest('base64');
	return signatures.some((signature) => isSame(signature, `v1,${digest}`)); // after a rotation two
}

function isSame(one: string, other: string): boolean {
	const [left, right] = [Buffer.from(one), Buffer.from(other)];
	return left.length === right.length && timingSafeEqual(left, right);
}
