import type {
	IAuthenticateGeneric,
	ICredentialTestRequest,
	ICredentialType,
	Icon,
	INodeProperties,
} from 'n8n-workflow';

export class SmsgateApi implements ICredentialType {
	name = 'smsgateApi';

	displayName = 'Smsgate API';

	icon: Icon = { light: 'file:../icons/smsgate.svg', dark: 'file:../icons/smsgate.dark.svg' };

	// Who publishes it puts in their own (README.md): n8n wants one.
	documentationUrl = 'https://smsgate.example.com';

	properties: INodeProperties[] = [
		{
			displayName: 'Server URL',
			name: 'url',
			type: 'string',
			default: '',
			placeholder: 'https://sms.example.com',
			required: true,
			description: 'Where your smsgate answers, without /api',
		},
		{
			displayName: 'Licence Key',
			name: 'token',
			type: 'string',
			typeOptions: { password: true },
			default: '',
			required: true,
			description: 'The trigger needs one with the scopes "manage" and those of what it hears',
		},
		{
			displayName: 'API Key',
			name: 'apiKey',
			type: 'string',
			typeOptions: { password: true },
			default: '',
			description: 'The second key, which only contacts and groups need',
		},
	];

	authenticate: IAuthenticateGeneric = {
		type: 'generic',
		properties: {
			headers: {
				Authorization: '=Bearer {{$credentials.token}}',
				'X-Api-Key': '={{$credentials.apiKey}}',
			},
		},
	};

	// It checks both keys.
	test: ICredentialTestRequest = {
		request: {
			baseURL: '={{$credentials.url.replace(/\\/+$/, "")}}',
			url: '/api/me/',
		},
	};
}
