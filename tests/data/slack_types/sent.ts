import type { HomeView, KnownBlock, MessageMetadata, ModalView } from "@slack/types";

export interface Message {
  text: string;
  blocks?: KnownBlock[];
  metadata?: MessageMetadata;
}
export type Modal = Omit<ModalView, "blocks"> & { blocks: KnownBlock[] };
export type Home = Omit<HomeView, "blocks"> & { blocks: KnownBlock[] };
export type Sent = Message | Modal | Home;
