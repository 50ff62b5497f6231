import { useLocation } from 'react-router';
import { MessagePage } from './message-page.tsx';

/**
 * An address that shows nothing. What belongs to another organisation looks exactly the same: the server answers
 * "not found" to both, and the page must not tell them apart either.
 */
export function NotFound({ message }: { readonly message?: string }) {
  const { pathname } = useLocation();
  return (
    <MessagePage title="Page not found">
      <p>
        There is nothing at <code className="text-xs">{pathname}</code>, or you do not belong to its
        organisation.
        {message && ` The server says: ${message}.`}
      </p>
      <p className="mt-2">Check the address, or ask an admin of the organisation to add you.</p>
    </MessagePage>
  );
}
